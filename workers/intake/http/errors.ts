/** Turns every error into the error envelope. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { z } from "zod";
import { DoorError } from "../../../shared/core/doors/ended-job.ts";
import {
	AppError,
	envelopeOf,
	KeyNotInForce,
	type ShownError,
	StorageUnavailable,
} from "../../../shared/core/errors.ts";
import { logError } from "../../log.ts";
import type { IntakeEnv } from "../services.ts";
import { describeIssue, memberOf } from "./describe-issue.ts";

/** Spread over so long, so that those that were refused together do not return together. */
const OVERLOAD_RETRY_SECONDS = { least: 2, most: 10 };
/** Long enough for a database to come back after a reset, short enough to go unnoticed. */
const STORAGE_RETRY_SECONDS = 2;

export function respondToError(error: Error, c: Context<IntakeEnv>): Response {
	return respondWithError(shownOf(error, c), c);
}

/** What the caller reads of an error. A bug is logged. */
export function shownOf(error: unknown, c: Context<IntakeEnv>): ShownError {
	const { requestId } = c.env;
	const known = asShown(error);
	if (known === null) logError("request.crashed", { requestId, method: c.req.method, path: c.req.routePath }, error);
	if (error instanceof StorageUnavailable) logError("storage.failed", { requestId }, error);
	return known ?? new AppError("internal_error", "Internal error.");
}

export function respondWithError(error: ShownError, c: Context<IntakeEnv>): Response {
	if (error.shouldRetry !== null) c.header("x-should-retry", String(error.shouldRetry));
	if (error.limit !== null) {
		const { policy, retryAfterSeconds } = error.limit;
		const window = policy.windowSeconds === null ? "" : `;w=${policy.windowSeconds}`;
		c.header("ratelimit-policy", `"${policy.name}";q=${policy.quota}${window}`);
		c.header("retry-after", String(retryAfterSeconds));
	}
	if (error.code === "unauthorized") c.header("www-authenticate", "Bearer");
	if (error.code === "storage_unavailable") c.header("retry-after", String(STORAGE_RETRY_SECONDS));
	if (error.code === "overloaded") c.header("retry-after", String(overloadRetrySeconds(c)));
	return c.json(envelopeOf(error, c.env.requestId), error.status);
}

function overloadRetrySeconds(c: Context<IntakeEnv>): number {
	const { least, most } = OVERLOAD_RETRY_SECONDS;
	return least + Math.floor(c.env.services.runtime.random() * (most - least + 1));
}

function asShown(error: unknown): ShownError | null {
	if (error instanceof AppError || error instanceof DoorError) return error;
	if (error instanceof KeyNotInForce) return new AppError("unauthorized", "Invalid API key.");
	// What a storage refused may follow on what it did, for this request or for an earlier one.
	if (error instanceof StorageUnavailable)
		return new AppError("storage_unavailable", "Storage is temporarily unavailable. Try again.");
	// The framework's own errors are about invalid requests.
	if (error instanceof HTTPException && error.status < 500) return new AppError("invalid_request", error.message);
	return null;
}

interface Validation {
	success: boolean;
	target: string;
	data?: unknown;
	error?: z.core.$ZodError;
}

/** An unknown field of a body has a code of its own at a door, as OpenAI's API has it. */
export function refuseInvalidOfDoor(result: Validation): void {
	const issue = result.error?.issues[0];
	if (result.target === "json" && issue?.code === "unrecognized_keys") {
		const { path, message } = describeIssue(issue, result.data);
		throw new AppError("unknown_parameter", message, path);
	}
	refuseInvalid(result);
}

/** Turns the first issue of a failed validation into the envelope, with the path of the field. */
export function refuseInvalid(result: Validation): void {
	const issue = result.error?.issues[0];
	if (result.success || issue === undefined) return;
	const { path, message } = describeIssue(issue, result.data);
	const isRepeated = result.target === "query" && Array.isArray(memberOf(result.data, path));
	throw new AppError("invalid_request", isRepeated ? "Must occur only once." : message, path === "" ? null : path);
}
