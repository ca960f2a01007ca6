/**
 * Why a model call gave no result. A failure is a value: providers return it, `decideFailure` reads it, the attempt history
 * shows it. Its class decides what becomes of the job.
 */
export const FAILURE_CLASSES = ["transient", "throttled", "blocked", "permanent"] as const;

/**
 * - `transient`: the provider or the network failed, perhaps briefly. Uses an attempt; retried after a jittered wait.
 * - `throttled`: the provider said "later". Uses no attempt; waits at least as long as the provider requested.
 * - `blocked`: quota spent or credit refused. Uses no attempt; moves on to the next model, or waits at least a minute.
 * - `permanent`: the same call would fail again. The job moves on to its next model, or fails at once.
 */
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** What went wrong, as a word for programs: a closed list, whichever provider said it in whichever words. */
export const FAILURE_CODES = [
	// About the request: another model may take it.
	...(["invalid_request", "request_too_large", "context_length_exceeded", "not_supported", "content_refused"] as const),
	// About the model, its route, or the account at the provider.
	...(["model_not_found", "model_not_available", "model_not_served", "route_misconfigured", "redirected"] as const),
	...(["unauthorized", "forbidden", "quota_exhausted", "rate_limited"] as const),
	// About the provider or the network, and perhaps brief.
	...(["server_error", "overloaded", "unavailable", "provider_timeout", "connection_closed", "unreachable"] as const),
	// About the response.
	...(["timed_out", "stalled", "aborted", "stream_cut", "answer_empty", "answer_unreadable"] as const),
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

export interface ModelFailure {
	class: FailureClass;
	code: FailureCode;
	/** The provider's own word; null if it sent none. */
	providerCode: string | null;
	/** One sentence for people. Never a prompt or a completion. */
	message: string;
	/** The start of a response that could not be stored. Null: there was none. */
	excerpt: string | null;
	/** HTTP status of the provider's response; null if there was none. */
	status: number | null;
	/** The wait that the provider requested; null if it requested none. */
	retryAfterMs: number | null;
	/** False: no call was made, so nothing is known of the upstream. */
	isCallMade: boolean;
	/** True: a limit of the caller or of ours ended the call, so that its failure shows nothing of the upstream. */
	isCut: boolean;
	/** The gateway's log id of this call. */
	logId: string | null;
	/** The provider took the request on, so that it may charge for a call whose usage is unknown. */
	mayBeBilled: boolean;
	/** Tokens the failed call is known to have cost; null: unknown. */
	usage: Usage | null;
}

type FailureFacts = Pick<ModelFailure, "class" | "code" | "message"> & Partial<ModelFailure>;

/** Facts that are left out are unknown. */
export function newFailure(facts: FailureFacts): ModelFailure {
	const unknown = { status: null, providerCode: null, excerpt: null, retryAfterMs: null, logId: null, usage: null };
	return { ...unknown, isCallMade: true, isCut: false, mayBeBilled: false, ...facts };
}

/** No call could be made, because the route is missing or misconfigured. Another model's route may work. */
export function routeFailure(code: "model_not_served" | "route_misconfigured", message: string): ModelFailure {
	return newFailure({ class: "permanent", code, message, isCallMade: false });
}

/** Token counts as the provider gave them, and estimates where it gave none. */
export interface Usage {
	promptTokens: number;
	completionTokens: number;
	totalTokens: number;
	/** How many of the total are estimates. Left out: none. */
	estimatedTokens?: number | undefined;
}
