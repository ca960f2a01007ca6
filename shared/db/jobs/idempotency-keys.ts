/**
 * The key by which a repeated submission is recognised: claimed in the transaction that stores its job. The SQL here reads
 * the common table `asked` of submit-jobs.ts.
 */
import { type Idempotency, isCounted, mayBeRepeat } from "../../core/jobs/idempotency.ts";
import { NOW } from "../database.ts";

/** The field's usual day. */
const CALLERS_KEY_MS = 24 * 3_600_000;
/** SDKs retry within seconds, and give up within a minute. */
const COUNTED_TRY_MS = 2 * 60_000;

/** What `asked` holds of a job's key. */
export function claimOf(idempotency: Idempotency | null) {
	if (idempotency === null) return { key: null, fingerprint: null, since: null, keepMs: null };
	return {
		key: idempotency.key,
		fingerprint: fingerprintOf(idempotency),
		since: sinceOf(idempotency),
		keepMs: isCounted(idempotency) ? COUNTED_TRY_MS : CALLERS_KEY_MS,
	};
}

/**
 * The column `fingerprint`. A key made of bytes has nothing to compare; there the column holds the id of the repeat that
 * claimed the key. A first try leaves "", which sorts before every request id.
 */
function fingerprintOf(idempotency: Idempotency): string {
	if (!isCounted(idempotency)) return idempotency.fingerprint;
	return idempotency.isRepeat ? idempotency.requestId : "";
}

/** A repeat may belong to any claim; a first try only to a later one: its own repeat overtook it. */
function sinceOf(idempotency: Idempotency): string {
	return isCounted(idempotency) && !mayBeRepeat(idempotency) ? idempotency.requestId : "";
}

/** The row `held` of the key of `asked`, before its time is over. */
const IS_HELD = `held.tenant_id = asked.tenant_id AND held.key = asked.key AND held.expires_at > ${NOW}`;
/** It keeps `asked` from claiming the key, unless it is an older claim than a first try. */
const KEEPS_OUT = "held.fingerprint >= asked.since";
const IS_OWN = "held.job_id = asked.id";

export const KEY_IS_FREE = `NOT EXISTS (SELECT 1 FROM idempotency_keys AS held WHERE ${IS_HELD} AND ${KEEPS_OUT})`;

/** Neither another submission nor an erased job has the key: the statement before claimed it for this one. */
export const KEY_IS_CLAIMED = `EXISTS (SELECT 1 FROM idempotency_keys AS held WHERE ${IS_HELD} AND ${IS_OWN})`;

/** The keys of `asked`, each with the submission that has it: this one, or the one that this may be a repeat of. */
export const HOLDERS = `asked CROSS JOIN idempotency_keys AS held ON ${IS_HELD} AND (${IS_OWN} OR ${KEEPS_OUT})`;

/** First come, first served. `admitted`: the jobs of the call that may be stored, as a FROM clause. */
export const claimKeys = (admitted: string) => `
	INSERT INTO idempotency_keys (tenant_id, key, fingerprint, job_id, expires_at)
	SELECT tenant_id, key, fingerprint, id, ${NOW} + keep_ms FROM ${admitted} WHERE key IS NOT NULL
	ON CONFLICT (tenant_id, key) DO UPDATE
	   SET fingerprint = excluded.fingerprint, job_id = excluded.job_id, expires_at = excluded.expires_at`;
