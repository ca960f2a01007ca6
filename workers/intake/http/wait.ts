/** `Prefer: wait=30` (RFC 7240): holds a response until the job is final, or until it changes. */
import type { Context } from "hono";
import { AppError, StorageUnavailable } from "../../../shared/core/errors.ts";
import type { JobKey, JobSummary } from "../../../shared/core/jobs/job.ts";
import type { Database } from "../../../shared/db/database.ts";
import { findJobSummary } from "../../../shared/db/jobs/find-job.ts";
import type { IntakeEnv } from "../services.ts";

const WAIT_SECONDS_MAX = 60;

/** Polls often at first, for quick jobs, then less often. A wait of a minute costs about forty small reads. */
const POLL_MS_FIRST = 50;
const POLL_MS_MAX = 2_000;

/** How long the caller wants to wait, in milliseconds. Null: not at all. Other preferences are ignored, as the RFC requires. */
export function readWait(c: Context<IntakeEnv>): number | null {
	const preference = (c.req.header("prefer") ?? "")
		.split(/[,;]/)
		.map((part) => part.trim())
		.find((part) => /^wait\s*(=|$)/i.test(part));
	if (preference === undefined) return null;
	const seconds = /^wait\s*=\s*"?(\d{1,4})"?$/i.exec(preference)?.[1];
	if (seconds === undefined || Number(seconds) > WAIT_SECONDS_MAX) {
		throw new AppError("invalid_request", `\`wait\` must be 0 to ${WAIT_SECONDS_MAX} seconds.`, "Prefer");
	}
	return Number(seconds) * 1000;
}

interface Wait {
	first: JobSummary;
	key: JobKey;
	waitMs: number;
	/** Ends the wait. A final job always does. */
	isDone?: (job: JobSummary) => boolean;
}

/**
 * The final job, or the job as it is when the wait is over. Where too many requests wait already, that is at once: the response
 * lacks `Preference-Applied` then, and is that of a poll.
 */
export async function waitUntil(c: Context<IntakeEnv>, wait: Wait): Promise<JobSummary> {
	const end = c.env.services.waits.begin(wait.key.tenantId, c.var.caller.waits);
	if (end === null) return wait.first;
	c.header("preference-applied", `wait=${wait.waitMs / 1000}`);
	try {
		return await poll(c, wait);
	} finally {
		end();
	}
}

async function poll(c: Context<IntakeEnv>, { first, key, waitMs, isDone = () => false }: Wait) {
	const { db, runtime } = c.env.services;
	const endAt = runtime.now() + waitMs;
	let job = first;
	let pollMs = POLL_MS_FIRST;
	while (job.finishedAt === null && !isDone(job)) {
		const leftMs = endAt - runtime.now();
		if (leftMs <= 0 || c.req.raw.signal.aborted) break;
		await runtime.sleep(Math.min(pollMs, leftMs), c.req.raw.signal);
		job = (await look(db, key)) ?? job;
		pollMs = Math.min(1.5 * pollMs, POLL_MS_MAX);
	}
	return job;
}

/** Null: the job is gone, or D1 does not respond. The caller has its job, and the wait goes on. */
async function look(db: Database, key: JobKey): Promise<JobSummary | null> {
	try {
		return await findJobSummary(db, key);
	} catch (error) {
		if (error instanceof StorageUnavailable) return null;
		throw error;
	}
}
