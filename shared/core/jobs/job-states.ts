/**
 * The life of a job.
 *
 *     queued ──lease──▶ running ──────▶ succeeded
 *       ▲                 │ │ └───────▶ failed
 *       └─retry / rescue──┘ └─────────▶ cancelled, expired   (from queued too)
 *
 * Final states and stored results never change: the table refuses it (`final_states_have_no_way_out`).
 */
export const JOB_STATES = ["queued", "running", "succeeded", "failed", "cancelled", "expired"] as const;

/**
 * - `queued`: waits for `run_at`. A consumer leases it; a caller may cancel it; the sweeper redispatches or expires it.
 * - `running`: leased. Its holder settles it. When the lease runs out, the next lease statement takes it over.
 * - `succeeded`, `failed`, `cancelled`, `expired`: final. The sweeper prunes them when their retention ends.
 */
export type JobState = (typeof JOB_STATES)[number];

export const FINAL_STATES = ["succeeded", "failed", "cancelled", "expired"] as const;
export type FinalState = (typeof FINAL_STATES)[number];

export function isFinal(state: JobState): state is FinalState {
	return state !== "queued" && state !== "running";
}

/** Why a job is where it is: stable words for programs. Null if the status needs no reason. */
export type StatusReason =
	/** Queued again after a transient failure. */
	| "retrying"
	/** Queued: the provider throttles its model, for this job or for others. */
	| "throttled"
	/** Queued: most calls to its model fail at present. */
	| "unavailable"
	/** Queued: the provider's quota is spent or its credit refused, until the operator acts. */
	| "blocked"
	/** Queued: its tenant is at its limit of running jobs. */
	| "running_limit"
	/** Queued: its tenant has used up its daily token budget. */
	| "budget_spent"
	/** Queued: our own storage failed. No attempt was used. */
	| "storage_unavailable"
	/** Queued: the workers had no memory left for its input. No attempt was used. */
	| "worker_full"
	/** Failed: the same call would fail again. */
	| "permanent"
	/** Failed: the model's response could not be parsed. */
	| "answer_unreadable"
	/** Failed: the last attempt failed transiently. */
	| "attempts_exhausted"
	/** Failed: its worker crashed or lost its lease on every attempt. */
	| "poisoned"
	/** Expired: no result by `deadline_at`. */
	| "deadline_passed";
