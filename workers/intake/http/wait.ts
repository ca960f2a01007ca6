/** `Prefer: wait=30` (RFC 7240): holds a response until the job is final, or until it changes. */
import type { Context } from "hono";
import { StorageUnavailable } from "../../../shared/core/errors.ts";
import type { JobKey, JobSummary } from "../../../shared/core/jobs/job.ts";
import type { Database } from "../../../shared/db/database.ts";
import { findJobSummary } from "../../../shared/db/jobs/find-job.ts";
import type { IntakeEnv } from "../services.ts";
import { releaseAfter } from "./release.ts";

const WAIT_SECONDS_MAX = 60;
/** Of a preference without a time. */
const WAIT_SECONDS = 30;

/** A longer header is not read: the time that these patterns take grows with the square of its length. */
const PREFER_CHARS_MAX = 256;

/** Polls often at first, for quick jobs, then less often. A wait of a minute costs about forty small reads. */
const POLL_MS_FIRST = 50;
const POLL_MS_MAX = 2_000;

/** What stands between commas, which may stand in quotes too. */
const PREFERENCES = /(?:"(?:[^"\\]|\\.)*"|[^,])+/g;
/** A parameter behind a semicolon is not read. */
const WAIT = /^\s*wait\s*(?:=\s*(?:"([^"]*)"|([^\s;"]*))\s*)?(?:;|$)/i;

/**
 * How long the caller wants to wait, in milliseconds. Null: not at all. A preference is never a reason to refuse: what cannot be
 * read is ignored, and so is a second one of the same name, as the RFC requires.
 */
export function readWait(header = ""): number | null {
	if (header.length > PREFER_CHARS_MAX) return null;
	const preferences = header.match(PREFERENCES) ?? [];
	const first = preferences.find((one) => /^\s*wait\s*(=|;|$)/i.test(one)) ?? "";
	const [isWait, quoted, bare] = WAIT.exec(first) ?? [];
	const value = (quoted ?? bare ?? "").trim();
	if (isWait === undefined || !/^\d*$/.test(value)) return null;
	return Math.min(value === "" ? WAIT_SECONDS : Number(value), WAIT_SECONDS_MAX) * 1000;
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
	return await releaseAfter(c, end, () => poll(c, wait));
}

async function poll(c: Context<IntakeEnv>, { first, key, waitMs, isDone = () => false }: Wait) {
	const { db, runtime } = c.env.services;
	const endAt = runtime.now() + waitMs;
	let job = first;
	let pollMs = POLL_MS_FIRST;
	while (job.finishedAt === null && !isDone(job)) {
		const leftMs = endAt - runtime.now();
		if (leftMs <= 0) break;
		await runtime.sleep(Math.min(pollMs, leftMs), c.req.raw.signal);
		if (c.req.raw.signal.aborted) break;
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
