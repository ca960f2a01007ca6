/**
 * The life of a job.
 *
 *     queued ──lease──▶ running ──────▶ succeeded
 *       ▲                 │ │ └───────▶ failed
 *       └─retry / rescue──┘ └─────────▶ cancelled, expired   (from queued too)
 *
 * Final states have no way out, and neither does a stored result: the table refuses it (`final_states_have_no_way_out`).
 */
export const JOB_STATES = ["queued", "running", "succeeded", "failed", "cancelled", "expired"] as const;

/**
 * - `queued`: waits for `run_at`. A consumer leases it; a caller may cancel it; the sweeper redispatches for it, or expires it.
 * - `running`: leased. Its holder settles it. When the lease runs out, the next lease statement takes it over.
 * - `succeeded`, `failed`, `cancelled`, `expired`: final. The sweeper prunes them when their retention ends.
 */
export type JobState = (typeof JOB_STATES)[number];

export const FINAL_STATES = ["succeeded", "failed", "cancelled", "expired"] as const;
export type FinalState = (typeof FINAL_STATES)[number];

export function isFinal(state: JobState): state is FinalState {
	return state !== "queued" && state !== "running";
}

/** Why a job is where it is: stable words for programs. Null where the status says it all. */
export type StatusReason =
	/** Queued again after a transient failure. */
	| "retrying"
	/** Queued: its provider asked for time, of this job or of another that asks the same model. */
	| "throttled"
	/** Queued: its model fails for nearly everybody at present. */
	| "unavailable"
	/** Queued: quota spent or credit refused; somebody has to act. */
	| "blocked"
	/** Queued: its tenant has as many jobs running as it may. */
	| "running_limit"
	/** Queued: its tenant has spent its tokens of the day. */
	| "budget_spent"
	/** Queued: an answer or the way to it was lost on our side, at no cost to the job. */
	| "storage_unavailable"
	/** Failed: the same call would fail again. */
	| "permanent"
	/** Failed: the model answered with what no reader can use. */
	| "answer_unreadable"
	/** Failed: every attempt failed in a way that might have passed. */
	| "attempts_exhausted"
	/** Failed: its worker crashed or lost its lease on every attempt. */
	| "poisoned"
	/** Expired: no final answer by `deadline_at`. */
	| "deadline_passed";
