/** `Prefer: wait=30` (RFC 7240): holds an answer until the job is final. */
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import type { Job, JobKey } from "../../../shared/core/jobs/job.ts";
import { findJob } from "../../../shared/db/jobs/find-job.ts";
import type { IntakeEnv } from "../services.ts";

const WAIT_SECONDS_MAX = 60;

/** Looks often at first, for quick answers, then ever more seldom: a wait of a minute costs some forty small reads. */
const LOOK_MS_FIRST = 50;
const LOOK_MS_MAX = 2_000;

/** Milliseconds the caller is ready to wait; null: not at all. Other preferences are ignored, as the RFC has it. */
export function readWait(c: Context<IntakeEnv>): number | null {
	const preference = (c.req.header("prefer") ?? "")
		.split(/[,;]/)
		.map((part) => part.trim())
		.find((part) => /^wait\s*(=|$)/i.test(part));
	if (preference === undefined) return null;
	const seconds = /^wait\s*=\s*"?(\d{1,4})"?$/i.exec(preference)?.[1];
	if (seconds === undefined || Number(seconds) > WAIT_SECONDS_MAX) {
		throw new AppError("invalid_request", `\`wait\` takes 0 to ${WAIT_SECONDS_MAX} seconds.`, "Prefer");
	}
	return Number(seconds) * 1000;
}

/** The job when it is final, or as it is when the wait is over. */
export async function waitUntilFinal(c: Context<IntakeEnv>, first: Job, key: JobKey, waitMs: number): Promise<Job> {
	const { db, runtime } = c.env.services;
	c.header("preference-applied", `wait=${waitMs / 1000}`);
	const endAt = runtime.now() + waitMs;
	let job = first;
	for (let lookMs = LOOK_MS_FIRST; job.finishedAt === null; lookMs = Math.min(1.5 * lookMs, LOOK_MS_MAX)) {
		const leftMs = endAt - runtime.now();
		if (leftMs <= 0 || c.req.raw.signal.aborted) break;
		await runtime.sleep(Math.min(lookMs, leftMs), c.req.raw.signal);
		job = (await findJob(db, key)) ?? job;
	}
	return job;
}
