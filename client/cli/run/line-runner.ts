/** Brings a line of the input to its answer, from wherever an earlier process left it. */
import { Conflict, InvalidRequest, LimitReached, NotFound } from "../../errors.ts";
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
const RUN = `${METADATA_PREFIX}run`;
const LINE = `${METADATA_PREFIX}line`;

export class LineRunner {
	readonly #options: RunnerOptions;
	readonly #poller: JobPoller;
	#earlier: Promise<Map<string, string>> | null = null;
	/** How many jobs are open. */
	running = 0;

	constructor(options: RunnerOptions) {
		const { holdfast, clock, leave } = options;
		this.#options = options;
		this.#poller = new JobPoller(holdfast.jobs, { sleep: (ms, signal) => clock.sleep(ms, signal), signal: leave });
	}

	/** Null: the run stopped before the line was submitted. Throws what ends the run. */
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
		if (sentAt !== null && clock.now() - sentAt > KEY_KNOWN_MS) {
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
		const submitted = await this.#submit(body, journal.key(number));
		if (submitted === null) return null;
		journal.noteJob(number, submitted.id);
		return isFinal(submitted) ? submitted : submitted.id;
	}

	/** Waits for as long as the tenant's limits do not allow another job. */
	async #submit(job: SubmitJob, idempotencyKey: string): Promise<Job | null> {
		const { holdfast, clock, stop, leave } = this.#options;
		for (;;) {
			try {
				return await holdfast.jobs.submit(job, { idempotencyKey, signal: leave });
			} catch (error) {
				if (!(error instanceof LimitReached) || LONG_LIMITS.includes(error.code)) throw error;
				await clock.sleep(error.retryAfterMs ?? RETRY_MS, stop).catch(() => undefined);
				if (stop.aborted) return null;
			}
		}
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
