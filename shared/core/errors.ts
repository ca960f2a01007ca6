/**
 * Expected errors: those of the caller, a closed list of codes with one status each and one envelope, and those of storage.
 * Any other error is a bug.
 */
import { NoResponse } from "./timeout.ts";

const ERRORS = {
	invalid_request: { status: 400, type: "invalid_request_error", retry: null },
	unsupported_value: { status: 400, type: "invalid_request_error", retry: null },
	unknown_parameter: { status: 400, type: "invalid_request_error", retry: null },
	unauthorized: { status: 401, type: "authentication_error", retry: null },
	https_required: { status: 403, type: "permission_error", retry: false },
	forbidden: { status: 403, type: "permission_error", retry: null },
	not_found: { status: 404, type: "invalid_request_error", retry: null },
	model_not_found: { status: 404, type: "invalid_request_error", retry: null },
	method_not_allowed: { status: 405, type: "invalid_request_error", retry: null },
	not_final: { status: 409, type: "conflict_error", retry: false },
	no_result: { status: 409, type: "conflict_error", retry: false },
	job_erased: { status: 409, type: "conflict_error", retry: false },
	limit_reached: { status: 409, type: "conflict_error", retry: false },
	endpoint_disabled: { status: 409, type: "conflict_error", retry: false },
	endpoint_unreachable: { status: 409, type: "conflict_error", retry: false },
	payload_too_large: { status: 413, type: "invalid_request_error", retry: null },
	unsupported_media_type: { status: 415, type: "invalid_request_error", retry: null },
	range_not_satisfiable: { status: 416, type: "invalid_request_error", retry: null },
	open_jobs_limit: { status: 429, type: "rate_limit_error", retry: null },
	stored_bytes_limit: { status: 429, type: "rate_limit_error", retry: false },
	budget_spent: { status: 429, type: "rate_limit_error", retry: false },
	rate_limited: { status: 429, type: "rate_limit_error", retry: null },
	idempotency_key_reused: { status: 422, type: "idempotency_error", retry: false },
	internal_error: { status: 500, type: "server_error", retry: null },
	storage_unavailable: { status: 503, type: "server_error", retry: null },
	overloaded: { status: 503, type: "server_error", retry: null },
	misconfigured: { status: 503, type: "server_error", retry: false },
} as const;

export type AppErrorCode = keyof typeof ERRORS;

/** The limit that was reached, and when to retry: `Retry-After` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers). */
export interface LimitReached {
	policy: { name: string; quota: number; windowSeconds: number | null };
	retryAfterSeconds: number;
}

/** The statuses of our own errors, and those that a provider's may be passed on with. */
type ErrorStatus = (typeof ERRORS)[AppErrorCode]["status"] | 406 | 410 | 412 | 414 | 424 | 428 | 431 | 451 | 502 | 504;

/** What an error response says, whatever caused it. */
export interface ShownError {
	readonly status: ErrorStatus;
	readonly code: string;
	readonly type: string;
	readonly message: string;
	readonly param: string | null;
	/** The value of `x-should-retry`. False: a retry cannot succeed. Null: the header is left out. */
	readonly shouldRetry: boolean | null;
	readonly limit: LimitReached | null;
}

/** The error envelope, which OpenAI clients can read. */
export function envelopeOf({ message, type, code, param }: ShownError, requestId: string) {
	return { error: { message, type, code, param, request_id: requestId } };
}

/** A message says what to do. `param` is the path of the offending field, such as `input.temperature`. */
export class AppError extends Error implements ShownError {
	readonly code: AppErrorCode;
	readonly param: string | null;
	/** Set for every 429. */
	readonly limit: LimitReached | null;

	constructor(code: AppErrorCode, message: string, param: string | null = null, limit: LimitReached | null = null) {
		super(message);
		this.name = "AppError";
		this.code = code;
		this.param = param;
		this.limit = limit;
	}

	get status() {
		return ERRORS[this.code].status;
	}

	get type() {
		return ERRORS[this.code].type;
	}

	get shouldRetry(): boolean | null {
		return ERRORS[this.code].retry;
	}
}

/** The API key of a request was revoked, or expired, after the request was authenticated. */
export class KeyNotInForce extends Error {
	override readonly name = "KeyNotInForce";
}

/** D1 or R2 did not respond in time, or failed. Whether a write took effect is unknown: read it back, never repeat it blindly. */
export class StorageUnavailable extends Error {
	/** `timed_out`: the storage may still be busy with it. `refused`: the storage has too much to do, and did nothing. */
	readonly kind: "failed" | "timed_out" | "refused";

	/** @param what the operation, such as "lease jobs" */
	constructor(what: string, cause: unknown) {
		super(`Storage did not respond: ${what}`, { cause });
		this.name = "StorageUnavailable";
		const isRefused = /overloaded|queued for too long|Too many requests queued/i.test(String(cause));
		this.kind = cause instanceof NoResponse ? "timed_out" : isRefused ? "refused" : "failed";
	}
}

/**
 * How often a call to storage is repeated at once. What timed out or was refused is repeated once: a busy storage that got its
 * work again and again would have no time for anything else.
 */
export class Repeats {
	#left: number;
	#whileBusy = 1;

	/** @param triesMax how often the call is made at most */
	constructor(triesMax: number) {
		this.#left = triesMax - 1;
	}

	allowAfter({ kind }: StorageUnavailable): boolean {
		this.#left -= 1;
		if (kind !== "failed") this.#whileBusy -= 1;
		return this.#left >= 0 && this.#whileBusy >= 0;
	}
}
