/**
 * What the callers of a door read of a job that ended without an answer: one map for held answers, streams, reads and the lines
 * of batches. A door throws `new DoorError(errorOfEnded(job))`, or puts its facts into a shape of its own.
 */

import type { ShownError } from "../errors.ts";
import type { Attempt } from "../jobs/attempts.ts";
import type { JobWithHistory } from "../jobs/job.ts";
import { FAILURE_CLASSES, type FailureClass } from "../upstreams/failures.ts";

type Facts = Pick<ShownError, "status" | "code" | "message">;
type EndedJob = Pick<JobWithHistory, "status" | "statusReason" | "error" | "attempts">;

/** The retries of a job that ended badly were the service's own, so none of the client's can help. */
export class DoorError extends Error implements ShownError {
	readonly status: ShownError["status"];
	readonly code: string;
	readonly param = null;
	readonly shouldRetry: boolean;
	readonly limit = null;

	constructor({ status, code, message, shouldRetry = false }: Facts & { shouldRetry?: boolean }) {
		super(message);
		this.name = "DoorError";
		this.status = status;
		this.code = code;
		this.shouldRetry = shouldRetry;
	}

	get type(): string {
		return TYPES[this.status] ?? (this.status < 500 ? "invalid_request_error" : "server_error");
	}
}

const TYPES: Readonly<Record<number, string>> = { 409: "conflict_error", 429: "rate_limit_error" };

/** @param job failed, expired or cancelled */
export function errorOfEnded(job: EndedJob): Facts {
	if (job.status === "cancelled") return { status: 409, code: "job_cancelled", message: "The job was cancelled." };
	const message = job.error?.message ?? "The job ended without an answer.";
	const last = lastFailureOf(job.attempts);
	if (last === "throttled") return { status: 429, code: "rate_limit_exceeded", message };
	if (last === "blocked") return { status: 502, code: "provider_refused", message };
	if (job.status === "expired") return { status: 504, code: "deadline_exceeded", message };
	if (job.statusReason === "permanent") return refusal(job.error?.code ?? "", job.error?.status ?? null, message);
	return { status: 502, code: "provider_failed", message };
}

/** Of the last call that the provider ended: a deadline may have cut off one after it. Null: there is none. */
function lastFailureOf(attempts: readonly Attempt[]): FailureClass | null {
	const outcomes = attempts.map(({ outcome }) => FAILURE_CLASSES.find((kind) => kind === outcome));
	return outcomes.findLast((kind) => kind !== undefined) ?? null;
}

/** About the request, whatever status the provider or a router before it gave them. */
const ABOUT_REQUEST: readonly string[] = [
	...["invalid_request", "context_length_exceeded", "not_supported", "content_refused"],
];
/** About the operator's account, key or route. */
const ABOUT_ROUTE: readonly string[] = [
	...["model_not_served", "route_misconfigured", "redirected", "unauthorized", "forbidden", "quota_exhausted"],
];
/** A provider's refusal of the request: the caller gets it as if there were nothing in between. */
const PASSED_ON = [400, 404, 405, 406, 409, 410, 412, 413, 414, 415, 416, 422, 424, 428, 431, 451] as const;

function refusal(code: string, status: number | null, message: string): Facts {
	const isRefusedKey = status === 401 || status === 402 || status === 403;
	if (ABOUT_ROUTE.includes(code) || (isRefusedKey && !ABOUT_REQUEST.includes(code)))
		return { status: 502, code: "provider_refused", message };
	if (code === "request_too_large") return { status: 400, code, message };
	const same = PASSED_ON.find((known) => known === status);
	if (same !== undefined) return { status: same, code, message };
	if (ABOUT_REQUEST.includes(code) || (status !== null && status >= 400 && status < 500))
		return { status: 400, code, message };
	return { status: 502, code: "provider_failed", message };
}
