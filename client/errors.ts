/** What the client throws. No message has a key or a body in it. */
import type { Job } from "./schemas.ts";

export class HoldfastError extends Error {
	constructor(message: string, options?: ErrorOptions) {
		super(message, options);
		this.name = new.target.name;
	}
}

/** However often the request was repeated, the service could not be reached, or did not respond in time or in JSON. */
export class ConnectionError extends HoldfastError {}

interface Refusal {
	status: number;
	code: string;
	message: string;
	param: string | null;
	requestId: string | null;
	retryAfterMs: number | null;
	attempts: number;
}

/** The service refused the request. `code` is stable: docs/api.md lists all of them. */
export class ApiError extends HoldfastError {
	readonly status: number;
	readonly code: string;
	/** The field, such as `input.temperature`. */
	readonly param: string | null;
	/** Names the request in the service's logs. */
	readonly requestId: string | null;
	/** How long the service asks to wait. */
	readonly retryAfterMs: number | null;
	/** How often the request was sent. */
	readonly attempts: number;

	constructor({ message, ...refusal }: Refusal) {
		super(message);
		this.status = refusal.status;
		this.code = refusal.code;
		this.param = refusal.param;
		this.requestId = refusal.requestId;
		this.retryAfterMs = refusal.retryAfterMs;
		this.attempts = refusal.attempts;
	}
}

/** 400, 413, 415, 416: change the request. */
export class InvalidRequest extends ApiError {}
/** 401: the key is missing, unknown, expired or revoked. */
export class Unauthorized extends ApiError {}
/** 403: the key lacks a scope. */
export class Forbidden extends ApiError {}
/** 404: also for the objects of another tenant. */
export class NotFound extends ApiError {}
/** 409 and 422: what the request is about does not allow it. */
export class Conflict extends ApiError {}
/** 429, and `limit_reached`: a limit was reached. */
export class LimitReached extends ApiError {}
/** 5xx: repeat it later. */
export class ServiceFailure extends ApiError {}

const BY_STATUS: Record<number, typeof ApiError> = {
	400: InvalidRequest,
	401: Unauthorized,
	403: Forbidden,
	404: NotFound,
	409: Conflict,
	413: InvalidRequest,
	415: InvalidRequest,
	416: InvalidRequest,
	422: Conflict,
	429: LimitReached,
};

export function apiError(refusal: Refusal): ApiError {
	const isLimit = refusal.code === "limit_reached";
	const kind = isLimit
		? LimitReached
		: (BY_STATUS[refusal.status] ?? (refusal.status >= 500 ? ServiceFailure : ApiError));
	return new kind(refusal);
}

/** A job that was to give an answer, and ended without one. */
export class JobNotSucceeded extends HoldfastError {
	readonly job: Job;

	constructor(job: Job) {
		super(`The job ${job.id} is ${job.status}${job.error === null ? "." : `: ${job.error.message}`}`);
		this.job = job;
	}
}

export class JobFailed extends JobNotSucceeded {}
export class JobCancelled extends JobNotSucceeded {}
export class JobExpired extends JobNotSucceeded {}

/** The time to wait for a job is over. The job goes on. */
export class WaitTimeout extends HoldfastError {
	/** As it was last seen. */
	readonly job: Job;

	constructor(job: Job) {
		super(`The job ${job.id} is still ${job.status}.`);
		this.job = job;
	}
}

/** A request that does not come from the service, or not from the last five minutes. Reply with 400. */
export class InvalidWebhook extends HoldfastError {}
