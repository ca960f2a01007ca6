/** Notices when jobs end by reading lists: one request for up to a hundred jobs, instead of one request for each. */
import { LimitReached, NotFound } from "./errors.ts";
import { isFinal, type Jobs } from "./jobs.ts";
import type { Job } from "./schemas.ts";

/** Between two looks. It grows while no job ends. */
const PAUSE_MS = 500;
const PAUSE_MS_MAX = 5_000;
const PAUSE_GROWTH = 1.5;
const PAGE = 100;
/** The random part of an id follows the time. */
const RANDOM_CHARACTERS = 16;

export interface PollerOptions {
	/** Rejects when `signal` aborts. */
	sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
	signal?: AbortSignal | undefined;
}

interface Wait {
	ended: Promise<Job>;
	resolve(job: Job): void;
	reject(error: unknown): void;
}

export class JobPoller {
	readonly #jobs: Jobs;
	readonly #options: PollerOptions;
	readonly #waits = new Map<string, Wait>();
	#isPolling = false;

	constructor(jobs: Jobs, options: PollerOptions) {
		this.#jobs = jobs;
		this.#options = options;
	}

	/** The job, once it is final. Throws `NotFound` if it was erased, and what ends the polling. */
	ended(id: string): Promise<Job> {
		const known = this.#waits.get(id);
		if (known !== undefined) return known.ended;
		const wait = { resolve: (_: Job) => {}, reject: (_: unknown) => {} };
		const ended = new Promise<Job>((resolve, reject) => Object.assign(wait, { resolve, reject }));
		this.#waits.set(id, { ended, ...wait });
		if (!this.#isPolling) {
			this.#isPolling = true;
			this.#poll();
		}
		return ended;
	}

	async #poll(): Promise<void> {
		const { sleep, signal } = this.#options;
		let pauseMs = PAUSE_MS;
		try {
			while (this.#waits.size > 0) {
				await sleep(pauseMs, signal);
				const retryAfterMs = await this.#look();
				pauseMs = retryAfterMs ?? Math.min(PAUSE_MS_MAX, pauseMs * PAUSE_GROWTH);
			}
		} catch (error) {
			for (const { reject } of this.#waits.values()) reject(error);
			this.#waits.clear();
		} finally {
			this.#isPolling = false;
		}
	}

	/** How long to pause. Null: longer, because no job has ended. */
	async #look(): Promise<number | null> {
		const before = this.#waits.size;
		try {
			await this.#readLists([...this.#waits.keys()].sort());
			return this.#waits.size < before ? PAUSE_MS : null;
		} catch (error) {
			if (error instanceof LimitReached) return error.retryAfterMs ?? PAUSE_MS_MAX;
			throw error;
		}
	}

	/** Pages that have none of these jobs are left out. @param ids in their order */
	async #readLists(ids: string[]): Promise<void> {
		let after = "";
		for (let at = 0; at < ids.length; ) {
			const start = justBefore(ids[at] ?? "");
			const page = await this.#jobs.list(
				{ after: after > start ? after : start, order: "asc", limit: PAGE },
				this.#options,
			);
			const found = new Map(page.data.map((job) => [job.id, job]));
			for (; at < ids.length; at++) {
				const id = ids[at] ?? "";
				if (page.nextAfter !== null && id > page.nextAfter) break;
				await this.#note(id, found.get(id) ?? null);
			}
			after = page.nextAfter ?? "";
		}
	}

	/** @param listed null: it is not in the list where it belongs */
	async #note(id: string, listed: Job | null): Promise<void> {
		const wait = this.#waits.get(id);
		if (wait === undefined) return;
		try {
			const job = listed ?? (await this.#jobs.get(id, this.#options));
			if (!isFinal(job)) return;
			wait.resolve(job);
		} catch (error) {
			if (!(error instanceof NotFound)) throw error;
			wait.reject(error);
		}
		this.#waits.delete(id);
	}
}

/** The first id of the same millisecond. */
function justBefore(id: string): string {
	return `${id.slice(0, -RANDOM_CHARACTERS)}${"0".repeat(RANDOM_CHARACTERS)}`;
}
