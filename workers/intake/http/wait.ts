/**
 * Holds a response until a job is final: for `Prefer: wait=30` (RFC 7240), which may end with a change or with its time, and for
 * doors, whose responses are answers. All of them look at the job through `JobWatch`.
 */
import type { Context } from "hono";
import { AppError, StorageUnavailable } from "../../../shared/core/errors.ts";
import type { JobSummary } from "../../../shared/core/jobs/job.ts";
import { findJobSummary } from "../../../shared/db/jobs/find-job.ts";
import type { IntakeEnv, Services } from "../services.ts";
import { releaseAfter } from "./release.ts";
import { WAITS_MAX } from "./waits.ts";

const WAIT_SECONDS_MAX = 60;
/** Of a preference without a time. */
const WAIT_SECONDS = 30;

/** A longer header is not read: the time that these patterns take grows with the square of its length. */
const PREFER_CHARS_MAX = 256;

/** Looks often at first, for quick jobs, then less often. A minute costs about forty small reads. */
const POLL_MS_FIRST = 50;
const POLL_MS_MAX = 2_000;

/** Of a request that finds all waits taken. */
const TOO_MANY_RETRY_SECONDS = 5;

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
	waitMs: number;
	/** Ends the wait. A final job always does. */
	isDone?: (job: JobSummary) => boolean;
}

/**
 * The final job, or the job as it is when the wait is over. Where too many requests wait already, that is at once: the response
 * lacks `Preference-Applied` then, and is that of a poll.
 */
export async function waitUntil(c: Context<IntakeEnv>, { first, waitMs, isDone }: Wait): Promise<JobSummary> {
	const end = beginWait(c);
	if (end === null) return first;
	c.header("preference-applied", `wait=${waitMs / 1000}`);
	const watch = new JobWatch(c.env.services, first, c.req.raw.signal);
	await releaseAfter(c, end, () => watch.wait(waitMs, isDone));
	return watch.job;
}

/** Returns what ends the wait. Null: too many requests wait already. */
function beginWait(c: Context<IntakeEnv>): (() => void) | null {
	return c.env.services.waits.begin(c.var.caller.tenantId, c.var.caller.waits);
}

/** For responses that have nothing to say without a wait. Call it before anything is done. */
export function requireWait(c: Context<IntakeEnv>): () => void {
	const end = beginWait(c);
	if (end !== null) return end;
	const quota = Math.min(c.var.caller.waits ?? WAITS_MAX, WAITS_MAX);
	const message = "Too many requests are held open. Nothing was done with this one: repeat it when another has ended.";
	const policy = { name: "waits", quota, windowSeconds: null };
	throw new AppError("rate_limited", message, null, { policy, retryAfterSeconds: TOO_MANY_RETRY_SECONDS });
}

/** Looks at a job until it is final. */
export class JobWatch {
	/** As it was last seen. */
	job: JobSummary;
	/** It was erased: nothing will ever become of it. */
	isGone = false;
	readonly #services: Pick<Services, "db" | "runtime">;
	readonly #signal: AbortSignal;
	#pollMs = POLL_MS_FIRST;

	/** @param signal ends each wait, and makes further ones end at once */
	constructor(services: Pick<Services, "db" | "runtime">, first: JobSummary, signal: AbortSignal) {
		this.job = first;
		this.#services = services;
		this.#signal = signal;
	}

	get isFinal(): boolean {
		return this.job.finishedAt !== null;
	}

	/** The caller has gone. */
	get isOver(): boolean {
		return this.#signal.aborted;
	}

	/** Until the job is final or `isDone`, the time is over, or `signal` aborts. The pace goes on from the wait before. */
	async wait(waitMs: number, isDone: (job: JobSummary) => boolean = () => false): Promise<void> {
		const { runtime } = this.#services;
		const endAt = runtime.now() + waitMs;
		while (!this.isFinal && !this.isGone && !isDone(this.job)) {
			const leftMs = endAt - runtime.now();
			if (leftMs <= 0 || this.isOver) return;
			await runtime.sleep(Math.min(this.#pollMs, leftMs), this.#signal);
			if (this.isOver) return;
			await this.#look();
			this.#pollMs = Math.min(Math.ceil(1.5 * this.#pollMs), POLL_MS_MAX);
		}
	}

	/** If D1 does not respond, the wait goes on: the caller has its job. */
	async #look(): Promise<void> {
		try {
			const job = await findJobSummary(this.#services.db, this.job);
			this.isGone = job === null;
			this.job = job ?? this.job;
		} catch (error) {
			if (!(error instanceof StorageUnavailable)) throw error;
		}
	}
}
