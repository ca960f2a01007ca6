/** The key by which a submission is known when it comes again: claimed in the transaction that stores its job. */
import { type Idempotency, isCounted, mayBeRepeat } from "../../core/jobs/idempotency.ts";
import type { JobKey } from "../../core/jobs/job.ts";
import { type Database, NOW, type Statement } from "../database.ts";

/** How long a caller's key is remembered; the field's usual day. */
const CALLERS_KEY_MS = 24 * 3_600_000;
/** How long the bytes of a counted try are: SDKs come again within seconds, and give up within a minute. */
const COUNTED_TRY_MS = 2 * 60_000;

/** First come, first served; a key whose time is over starts anew. So does a key made of bytes, with each first try. */
export function claimKey(db: Database, job: JobKey, idempotency: Idempotency, condition: string): Statement {
	return {
		sql: `INSERT INTO idempotency_keys (tenant_id, key, fingerprint, job_id, expires_at)
		      SELECT ?2, ?3, ?6, ?4, ${NOW} + ?7 WHERE ${condition}
		      ON CONFLICT (tenant_id, key) DO UPDATE
		         SET fingerprint = excluded.fingerprint, job_id = excluded.job_id, expires_at = excluded.expires_at
		       WHERE idempotency_keys.expires_at <= ${NOW} OR idempotency_keys.fingerprint < ?5`,
		params: [
			...holderParams(db, job, idempotency),
			claimOf(idempotency),
			isCounted(idempotency) ? COUNTED_TRY_MS : CALLERS_KEY_MS,
		],
	};
}

/**
 * The row of the key, where its holder is this submission or what it may be a repeat of. A key whose time is over is
 * nobody's, also where the request that would have it anew is refused. With `holderParams`.
 */
export const HOLDER = `FROM idempotency_keys
	WHERE tenant_id = ?2 AND key = ?3 AND expires_at > ${NOW} AND (job_id = ?4 OR fingerprint >= ?5)`;

export function holderParams(db: Database, { tenantId, jobId }: JobKey, idempotency: Idempotency) {
	return [db.clock(), tenantId, idempotency.key, jobId, sinceOf(idempotency)];
}

/**
 * What stands in the column `fingerprint`. Behind a key made of bytes there is nothing to compare: there it tells when the
 * repeat came that claimed the key. A first try that did leaves nothing, which sorts before every request id.
 */
function claimOf(idempotency: Idempotency): string {
	if (!isCounted(idempotency)) return idempotency.fingerprint;
	return idempotency.isRepeat ? idempotency.requestId : "";
}

/** A repeat may be one of any claim; a first try only of a later one: its own repeat overtook it. */
function sinceOf(idempotency: Idempotency): string {
	return isCounted(idempotency) && !mayBeRepeat(idempotency) ? idempotency.requestId : "";
}
