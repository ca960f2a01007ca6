/** Runs many jobs, some of them at a time. */
import type { CallOptions } from "./http.ts";
import type { JobAnswer, Jobs } from "./jobs.ts";
import type { SubmitJob } from "./schemas.ts";

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

/** What came of one item. `error` is what `jobs.run` would have thrown. */
export type BatchItem = { index: number; item: SubmitJob } & (
	| { ok: true; answer: JobAnswer }
	| { ok: false; error: unknown }
);

/** The items as they end, in that order. A failed item throws nothing; an abort of the signal does. */
export async function* batch(
	jobs: Jobs,
	items: Iterable<SubmitJob> | AsyncIterable<SubmitJob>,
	options: BatchOptions = {},
): AsyncGenerator<BatchItem, void> {
	const { concurrency = 64, onProgress = () => undefined, idempotencyKey, signal } = options;
	const open = new Map<number, Promise<BatchItem>>();
	const progress = { succeeded: 0, failed: 0, running: 0 };
	const nextEnded = async () => {
		const ended = await Promise.race(open.values());
		signal?.throwIfAborted();
		open.delete(ended.index);
		progress[ended.ok ? "succeeded" : "failed"] += 1;
		onProgress({ ...progress, running: open.size });
		return ended;
	};
	let index = 0;
	for await (const item of items) {
		signal?.throwIfAborted();
		open.set(index, settled(jobs, { index, item }, { idempotencyKey: idempotencyKey?.(index), signal }));
		index += 1;
		while (open.size >= concurrency) yield await nextEnded();
	}
	while (open.size > 0) yield await nextEnded();
}

async function settled(
	jobs: Jobs,
	one: { index: number; item: SubmitJob },
	options: Parameters<Jobs["run"]>[1],
): Promise<BatchItem> {
	try {
		return { ...one, ok: true, answer: await jobs.run(one.item, options) };
	} catch (error) {
		return { ...one, ok: false, error };
	}
}
