/** Brings a line of the input to its answer, from wherever an earlier process left it. */
import { Conflict, ConnectionError, InvalidRequest, LimitReached, NotFound, ServiceFailure } from "../../errors.ts";
import type { Clock } from "../../http.ts";
import type { Holdfast } from "../../index.ts";
import { JobPoller } from "../../job-poller.ts";
import { isFinal } from "../../jobs.ts";
import type { Job, SubmitJob } from "../../schemas.ts";
import type { Answer } from "./answers.ts";
import type { Journal } from "./journal.ts";
import { METADATA_PREFIX, type Submission } from "./submission.ts";

export interface InputLine extends Submission {
	number: number;
}

export interface RunnerOptions {
	holdfast: Holdfast;
	/** Repeats nothing: the pauses between submissions end with `stop`. */
	submitter: Holdfast;
	journal: Journal;
	clock: Clock;
	/** Aborts when nothing more is to be submitted. */
	stop: AbortSignal;
	/** Aborts when nothing more is to be waited for. */
	leave: AbortSignal;
	/** Aborts when open jobs are to be cancelled. */
	cancel: AbortSignal;
}

/** The service knows a key for 24 hours. */
const KEY_KNOWN_MS = 23 * 3_600_000;
/** This machine's clock and the service's may differ by so much. */
const CLOCKS_APART_MS = 3_600_000;
const RETRY_MS = 5_000;
/** Limits that are reached for hours: the run stops, and is resumed later. */
const LONG_LIMITS = ["budget_spent", "stored_bytes_limit"];
/** A service that restarts is waited for: about two minutes. */
export const RETRIES = 24;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 8_000;
/** One submission may be what the service fails on. With more of them, the service itself is broken. */
const LEFT_OPEN_MAX = 10;
const RUN = `${METADATA_PREFIX}run`;
const LINE = `${METADATA_PREFIX}line`;

export class LineRunner {
	readonly #options: RunnerOptions;
	readonly #poller: JobPoller;
	#earlier: Promise<Map<string, string>> | null = null;
	/** Lines whose submission always got `internal_error`: they keep their keys, for a later process. */
	readonly leftOpen: { line: number; error: ServiceFailure }[] = [];
	/** How many jobs are open. */
	running = 0;

	constructor(options: RunnerOptions) {
		const { holdfast, clock, leave } = options;
		this.#options = options;
		this.#poller = new JobPoller(holdfast.jobs, { sleep: (ms, signal) => clock.sleep(ms, signal), signal: leave });
	}

	/** Null: the line was not submitted, because the run stopped or the service failed on it. Throws what ends the run. */
	async run(line: InputLine): Promise<Answer | null> {
		const { journal } = this.#options;
		try {
			const id = await this.#submitted(line);
			return id === null ? null : await this.#answered(line, typeof id === "string" ? await this.#ended(id) : id);
		} catch (error) {
			// Of this line alone: another one may still succeed.
			if (!(error instanceof InvalidRequest || error instanceof Conflict || error instanceof NotFound)) throw error;
			const { code, message } = error;
			return {
				line: line.number,
				custom_id: line.customId,
				job_id: journal.of(line.number).jobId,
				status: "failed",
				text: null,
				output: null,
				usage: null,
				error: { code, message },
				model: null,
			};
		}
	}

	/** The job's id, or the job if it is final. */
	async #submitted({ number, job }: InputLine): Promise<string | Job | null> {
		const { journal, clock, stop } = this.#options;
		const { jobId, sentAt } = journal.of(number);
		if (jobId !== null) return jobId;
		// A power failure may have taken the note of the key, but not the header.
		if (clock.now() - (sentAt ?? Date.parse(journal.header.created_at)) > KEY_KNOWN_MS) {
			this.#earlier ??= this.#findEarlier();
			const found = (await this.#earlier).get(journal.tag(number));
			if (found !== undefined) {
				journal.noteJob(number, found);
				return found;
			}
		}
		if (stop.aborted) return null;
		if (sentAt === null) journal.noteKey(number, clock.now());
		const body = { ...job, metadata: { ...job.metadata, [RUN]: journal.header.run, [LINE]: journal.tag(number) } };
		const submitted = await this.#submit(number, body);
		if (submitted === null) return null;
		journal.noteJob(number, submitted.id);
		return isFinal(submitted) ? submitted : submitted.id;
	}

	/** Waits for as long as the tenant's limits do not allow another job, and for a service that is away. */
	async #submit(line: number, job: SubmitJob): Promise<Job | null> {
		const { submitter, journal, clock, stop, leave } = this.#options;
		for (let failures = 0; ; ) {
			try {
				return await submitter.jobs.submit(job, { idempotencyKey: journal.key(line), signal: leave });
			} catch (error) {
				failures = error instanceof LimitReached ? 0 : failures + 1;
				const waitMs = this.#pauseMs(error, failures);
				if (waitMs === null) {
					this.#leaveOpen(line, error);
					return null;
				}
				await clock.sleep(waitMs, stop).catch(() => undefined);
				if (stop.aborted) return null;
			}
		}
	}

	/** Null: the submission is not repeated. */
	#pauseMs(error: unknown, failures: number): number | null {
		const jitterMs = this.#options.clock.random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** failures);
		if (error instanceof LimitReached)
			return LONG_LIMITS.includes(error.code) ? null : (error.retryAfterMs ?? RETRY_MS) + jitterMs;
		if (failures > RETRIES) return null;
		if (error instanceof ConnectionError) return jitterMs;
		return error instanceof ServiceFailure ? (error.retryAfterMs ?? 0) + jitterMs : null;
	}

	/** Throws an error that is not of this line alone. */
	#leaveOpen(line: number, error: unknown): void {
		const isOfLine = error instanceof ServiceFailure && error.code === "internal_error";
		if (!isOfLine || this.leftOpen.length === LEFT_OPEN_MAX) throw error;
		this.leftOpen.push({ line, error });
	}

	async #ended(id: string): Promise<Job> {
		const { holdfast, cancel, leave } = this.#options;
		const end = () => {
			// What cannot be cancelled is final, or goes on.
			holdfast.jobs.cancel(id, { signal: leave }).catch(() => undefined);
		};
		this.running += 1;
		if (cancel.aborted) end();
		cancel.addEventListener("abort", end);
		try {
			return await this.#poller.ended(id);
		} finally {
			cancel.removeEventListener("abort", end);
			this.running -= 1;
		}
	}

	async #answered({ number, customId }: InputLine, job: Job): Promise<Answer> {
		const { holdfast, leave } = this.#options;
		const answer = job.status === "succeeded" ? await holdfast.jobs.answer(job, { signal: leave }) : null;
		return {
			line: number,
			custom_id: customId,
			job_id: job.id,
			status: job.status,
			text: answer?.text ?? null,
			output: answer?.completion ?? null,
			usage: job.usage,
			error: job.error,
			model: job.model,
		};
	}

	/** The jobs that this run has submitted, by the tag of their line: for lines whose key the service has forgotten. */
	async #findEarlier(): Promise<Map<string, string>> {
		const { holdfast, journal, leave } = this.#options;
		const { run, created_at } = journal.header;
		const createdAfter = new Date(Date.parse(created_at) - CLOCKS_APART_MS);
		const found = new Map<string, string>();
		const filters = { metadata: { [RUN]: run }, createdAfter, order: "asc", limit: 100 } as const;
		for await (const { id, metadata } of holdfast.jobs.list(filters, { signal: leave })) {
			const tag = metadata[LINE];
			if (tag !== undefined) found.set(tag, id);
		}
		return found;
	}
}
