/** Runs many jobs, some of them at a time. */
import { HoldfastError } from "./errors.ts";
import type { CallOptions } from "./http.ts";
import { JobPoller, type PollerOptions } from "./job-poller.ts";
import { isFinal, type JobAnswer, type Jobs } from "./jobs.ts";
import type { SubmitJob } from "./schemas.ts";
import { inWindow } from "./window.ts";

export interface BatchOptions extends CallOptions {
	/** How many jobs are open at a time, 64 by default. */
	concurrency?: number;
	/** Called whenever a job has ended. */
	onProgress?: (progress: BatchProgress) => void;
	/** Of the item at an index: with one, a batch that is run again within 24 hours makes no job twice. */
	idempotencyKey?: (index: number) => string;
}

export interface BatchProgress {
	succeeded: number;
	failed: number;
	running: number;
}

/** What came of one item. `error`: what its submission, its wait or `jobs.answer` threw. */
export type BatchItem = { index: number; item: SubmitJob } & (
	| { ok: true; answer: JobAnswer }
	| { ok: false; error: unknown }
);

/** The items as they end, in that order. A failed item throws nothing; an abort of a signal does. */
export async function* batch(
	jobs: Jobs,
	sleep: PollerOptions["sleep"],
	items: Iterable<SubmitJob> | AsyncIterable<SubmitJob>,
	options: BatchOptions = {},
): AsyncGenerator<BatchItem, void> {
	const { concurrency = 64, onProgress = () => undefined, idempotencyKey, signal } = options;
	if (!Number.isInteger(concurrency) || concurrency < 1)
		throw new RangeError(`\`concurrency\` is ${concurrency}. Set it to a whole number from 1.`);
	const left = new AbortController();
	const either = AbortSignal.any(signal === undefined ? [left.signal] : [left.signal, signal]);
	const poller = new JobPoller(jobs, { sleep, signal: either });
	const progress = { succeeded: 0, failed: 0, running: 0 };
	const work = async (item: SubmitJob, index: number): Promise<BatchItem> => {
		progress.running += 1;
		try {
			const job = await jobs.submit(item, { idempotencyKey: idempotencyKey?.(index), signal: either });
			const ended = isFinal(job) ? job : await poller.ended(job.id);
			return { index, item, ok: true, answer: await jobs.answer(ended, { signal: either }) };
		} catch (error) {
			if (!(error instanceof HoldfastError)) throw error;
			return { index, item, ok: false, error };
		}
	};
	try {
		for await (const one of inWindow(items, { size: concurrency, work, signal })) {
			progress.running -= 1;
			progress[one.ok ? "succeeded" : "failed"] += 1;
			onProgress({ ...progress });
			yield one;
		}
	} finally {
		left.abort();
	}
}
