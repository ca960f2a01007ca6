/**
 * Idempotency keys, by which a repeated submission is recognised. A key is claimed in the transaction that stores its job. The
 * SQL here reads the common table `submitted` of submit-jobs.ts.
 */
import { type Idempotency, isCounted, mayBeRepeat } from "../../core/jobs/idempotency.ts";
import { NOW } from "../database.ts";

/** One day, as is usual for such keys. */
const CALLERS_KEY_MS = 24 * 3_600_000;
/** Clients that send no retry count retry within this time after a failure. A person who tries again takes longer, as a rule. */
const JUST_FAILED_MS = 60_000;

/** The columns of `submitted` about a job's key. */
export function claimOf(idempotency: Idempotency | null) {
	if (idempotency === null) return { key: null, fingerprint: null, since: null, joinsFailed: false, keepMs: null };
	return {
		key: idempotency.key,
		fingerprint: fingerprintOf(idempotency),
		since: sinceOf(idempotency),
		joinsFailed: isCounted(idempotency) && idempotency.joinsFailed,
		keepMs: isCounted(idempotency) ? idempotency.keepMs : CALLERS_KEY_MS,
	};
}

/**
 * The column `fingerprint`. A key made from the request's bytes needs no comparison. For such a key, the column has the request
 * id of the repeat that claimed it, or "", which sorts before every request id, if a first try did.
 */
function fingerprintOf(idempotency: Idempotency): string {
	if (!isCounted(idempotency)) return idempotency.fingerprint;
	return idempotency.isRepeat ? idempotency.requestId : "";
}

/** A repeat may belong to any claim. A first try belongs only to a later claim: that of its own repeat, which overtook it. */
function sinceOf(idempotency: Idempotency): string {
	return isCounted(idempotency) && !mayBeRepeat(idempotency) ? idempotency.requestId : "";
}

/** `held` is the unexpired row of the key of `submitted`. */
const IS_HELD = `held.tenant_id = submitted.tenant_id AND held.key = submitted.key AND held.expires_at > ${NOW}`;
const HAS_JUST_FAILED = `EXISTS (SELECT 1 FROM jobs AS failed
	 WHERE failed.tenant_id = held.tenant_id AND failed.id = held.job_id AND failed.status IN ('failed', 'expired')
	   AND failed.finished_at > ${NOW} - ${JUST_FAILED_MS})`;
/** `submitted` may not claim the key. A first try may replace older claims. */
const KEEPS_OUT = `(held.fingerprint >= submitted.since OR (submitted.joins_failed AND ${HAS_JUST_FAILED}))`;
const IS_OWN = "held.job_id = submitted.id";

export const KEY_IS_FREE = `NOT EXISTS (SELECT 1 FROM idempotency_keys AS held WHERE ${IS_HELD} AND ${KEEPS_OUT})`;

/** The statement before claimed the key for this job: neither another submission nor an erased job has it. */
export const KEY_IS_CLAIMED = `EXISTS (SELECT 1 FROM idempotency_keys AS held WHERE ${IS_HELD} AND ${IS_OWN})`;

/** The keys of `submitted`, each with the submission that holds it: this one, or the one that this may repeat. */
export const HOLDERS = `submitted CROSS JOIN idempotency_keys AS held ON ${IS_HELD} AND (${IS_OWN} OR ${KEEPS_OUT})`;

/** First come, first served. `admitted`: the jobs of the call that may be stored, as a FROM clause. */
export const claimKeys = (admitted: string) => `
	INSERT INTO idempotency_keys (tenant_id, key, fingerprint, job_id, expires_at)
	SELECT tenant_id, key, fingerprint, id, ${NOW} + keep_ms FROM ${admitted} WHERE key IS NOT NULL
	ON CONFLICT (tenant_id, key) DO UPDATE
	   SET fingerprint = excluded.fingerprint, job_id = excluded.job_id, expires_at = excluded.expires_at`;
