/** Shared by the routes that submit: reads a request's headers, and turns each outcome into a response. */
import type { Context } from "hono";
import { ChangedJob, viewJob, viewJobReference } from "../../../shared/api/job.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { COUNTED_TRY_MS, type Idempotency } from "../../../shared/core/jobs/idempotency.ts";
import type { Submission } from "../../../shared/db/jobs/submit-jobs.ts";
import type { Outcome, SubmitBindings } from "../../../shared/jobs/submit.ts";
import { errorResponse, jsonResponse } from "../http/describe-route.ts";
import { originOf, retryAfterSeconds } from "../http/headers.ts";
import { waitUntil } from "../http/wait.ts";
import type { IntakeEnv } from "../services.ts";
import { checkNewReceiver } from "../webhooks/accept-receiver.ts";

/** When the limit is reached, one of several open jobs usually ends within this time. */
const OPEN_JOBS_RETRY_SECONDS = 10;
/** Of a sweep, which erases the jobs whose retention is over. */
const STORED_BYTES_RETRY_SECONDS = 60;
const DAY_SECONDS = 86_400;
/** An SDK notices its own timeout, waits, and retries within this time. */
const AFTER_HOLD_MS = 10 * 60_000;

const header = (description: string, schema: { type: "integer" | "string" }) => ({
	description,
	schema,
	required: true,
});

export const submissionResponses = {
	200: jsonResponse("The job is final. Only with `Prefer: wait`.", ChangedJob),
	202: jsonResponse(
		"The job is stored. Poll it at `Location`. A key without `jobs:read` gets its id and status alone.",
		ChangedJob,
	),
	409: errorResponse("`job_erased`: the job of this Idempotency-Key was erased."),
	422: errorResponse("This Idempotency-Key was already used with a different request."),
	429: {
		...errorResponse(
			"`open_jobs_limit`: open-job limit reached. `stored_bytes_limit`: limit of stored bytes reached. `budget_spent`: daily token budget exhausted until 00:00 UTC. Nothing was stored, and the Idempotency-Key is free.",
		),
		headers: {
			"Retry-After": header("Seconds to wait before trying again.", { type: "integer" }),
			"RateLimit-Policy": header(
				"The limit that was reached: its name, the quota `q`, and its window `w` in seconds.",
				{ type: "string" },
			),
		},
	},
};

export function submitBindings(c: Context<IntakeEnv>): SubmitBindings {
	const { services } = c.env;
	return {
		...services,
		checkReceiver: (url) => checkNewReceiver(c, url),
		measure: (write) => services.submissionLoad.measure(services.runtime, write, services.db),
	};
}

/**
 * How a repeated request is recognised: by `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header), or by the
 * retry count of OpenAI's SDKs. The same key, method, path and bytes are the same request. Null: it cannot be recognised.
 * @param heldMs how long the response may be held. Its client may time out and retry at any time until then; null: it is not held
 */
export function readIdempotency(c: Context<IntakeEnv>, heldMs: number | null = null): Idempotency | null {
	const key = c.req.header("idempotency-key");
	const count = readRetryCount(c.req.header("x-stainless-retry-count"));
	const { submission, caller } = c.var;
	const fingerprint = submission?.fingerprint ?? null;
	if (fingerprint === null) return null;
	if (key !== undefined) return { key, fingerprint };
	if (count === null && heldMs === null) return null;
	return {
		// Keys of callers have no spaces, so they never collide with this one.
		key: `retried ${caller.keyId} ${fingerprint}`,
		requestId: c.env.requestId,
		isRepeat: count !== null && count !== 0,
		joinsFailed: count === null,
		keepMs: heldMs === null ? COUNTED_TRY_MS : heldMs + AFTER_HOLD_MS,
	};
}

/** SDKs set this header by themselves, so any other value than a count is ignored rather than refused. */
function readRetryCount(text: string | undefined): number | null {
	return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : null;
}

/** 202, or 200 if the caller waits and the job ends in time. */
export async function respondToSubmission(c: Context<IntakeEnv>, outcome: Outcome, waitMs: number | null) {
	c.var.submission?.release();
	const submission = acceptedOrThrow(outcome);
	if (submission.outcome === "replayed") c.header("idempotent-replayed", "true");
	const { job: first } = submission;
	const job = waitMs === null ? first : await waitUntil(c, { first, waitMs });
	c.header("location", `/v1/jobs/${job.jobId}`);
	if (job.finishedAt === null) c.header("retry-after", String(retryAfterSeconds(job, c.env.services.runtime.now())));
	const mayRead = c.var.caller.scopes.includes("jobs:read");
	const view = mayRead ? viewJob(job, originOf(c), c.env.services.config.modelPrices) : viewJobReference(job);
	return c.json(view, job.finishedAt === null || waitMs === null ? 202 : 200);
}

/** Throws for a submission that made or found no job. */
export function acceptedOrThrow(outcome: Outcome): Extract<Submission, { outcome: "created" | "replayed" }> {
	switch (outcome.outcome) {
		case "created":
		case "replayed":
			return outcome;
		case "invalid":
			throw new AppError("invalid_request", outcome.problem, outcome.param);
		case "key_reused":
			throw new AppError("idempotency_key_reused", "This Idempotency-Key was already used with a different request.");
		case "erased":
			throw new AppError("job_erased", "The job of this Idempotency-Key was erased. Use a new key to submit it again.");
		case "deleted":
			// The tenant's key is still in this isolate's cache.
			throw new AppError("unauthorized", "Invalid API key.");
		case "refused":
			throw limitReached(outcome);
	}
}

function limitReached({ limit, quota, msUntilTomorrow }: Extract<Submission, { outcome: "refused" }>): AppError {
	if (limit === "open_jobs") {
		return new AppError("open_jobs_limit", `Open-job limit reached (${quota}). Wait until a job ends.`, null, {
			policy: { name: limit, quota, windowSeconds: null },
			retryAfterSeconds: OPEN_JOBS_RETRY_SECONDS,
		});
	}
	if (limit === "stored_bytes") {
		const message = `Limit of ${quota} stored bytes reached. Erase jobs, or wait until their retention ends.`;
		return new AppError("stored_bytes_limit", message, null, {
			policy: { name: limit, quota, windowSeconds: null },
			retryAfterSeconds: STORED_BYTES_RETRY_SECONDS,
		});
	}
	return new AppError("budget_spent", `Daily limit of ${quota} tokens reached; resets at 00:00 UTC.`, null, {
		policy: { name: limit, quota, windowSeconds: DAY_SECONDS },
		retryAfterSeconds: Math.ceil(msUntilTomorrow / 1000),
	});
}
