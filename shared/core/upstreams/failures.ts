/**
 * Why a model call gave no answer. A failure is a value: providers return it, `decide` reads it, the attempt history
 * shows it. Its class alone decides what becomes of the job.
 */
export const FAILURE_CLASSES = ["transient", "throttled", "blocked", "permanent"] as const;

/**
 * - `transient`: the provider or the network had a bad moment. Uses an attempt; tried again after a jittered wait.
 * - `throttled`: the provider said "later". Uses no attempt; waits at least what was asked.
 * - `blocked`: quota spent or credit refused. Uses no attempt; held for a minute at the least.
 * - `permanent`: the same call would fail again. The job fails at once, or moves on to its next model.
 */
export type FailureClass = (typeof FAILURE_CLASSES)[number];

export interface ModelFailure {
	class: FailureClass;
	/** A stable word for programs: the provider's own code where it gave one, else ours, such as `timed_out`. */
	code: string;
	/** One sentence for people. Never a prompt or an answer. */
	message: string;
	/** HTTP status of the provider's answer; null where there was none. */
	status: number | null;
	/** How long the provider asked us to wait; null where it did not say. */
	retryAfterMs: number | null;
	/** False: no call was made, so nothing is known of the upstream. */
	isCallMade: boolean;
	/** Whether another model could do better: true for what only this model or provider refuses. */
	nextModelMayHelp: boolean;
	/** The gateway's log id of this call. */
	logId: string | null;
	/** Tokens the failed call is known to have cost; null: unknown. */
	usage: Usage | null;
}

type FailureFacts = Pick<ModelFailure, "class" | "code" | "message"> & Partial<ModelFailure>;

/** What is not given is unknown. */
export function newFailure(facts: FailureFacts): ModelFailure {
	const unknown = { status: null, retryAfterMs: null, logId: null, usage: null };
	return { ...unknown, isCallMade: true, nextModelMayHelp: true, ...facts };
}

/** No call could be made, because the route is missing or misconfigured: ours to fix, and another model's may work. */
export function routeFailure(code: "model_not_served" | "route_misconfigured", message: string): ModelFailure {
	return newFailure({ class: "permanent", code, message, isCallMade: false });
}

/** Token counts as the provider gave them. */
export interface Usage {
	promptTokens: number;
	completionTokens: number;
	totalTokens: number;
}
