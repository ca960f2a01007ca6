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
	if (!Number.isInteger(concurrency) || concurrency < 1)
		throw new RangeError(`\`concurrency\` is ${concurrency}. Set it to a whole number from 1.`);
	const left = new AbortController();
	const either = AbortSignal.any(signal === undefined ? [left.signal] : [left.signal, signal]);
	const source = each(items);
	const open = new Map<number, Promise<BatchItem>>();
	const progress = { succeeded: 0, failed: 0, running: 0 };
	let [submitted, isOver] = [0, false];
	let next: ReturnType<typeof source.next> | null = null;
	try {
		for (;;) {
			if (!isOver && open.size < concurrency) next ??= source.next();
			if (next === null && open.size === 0) return;
			const first = await Promise.race([...open.values(), ...(next === null ? [] : [next])]);
			signal?.throwIfAborted();
			if ("index" in first) {
				open.delete(first.index);
				progress[first.ok ? "succeeded" : "failed"] += 1;
				onProgress({ ...progress, running: open.size });
				yield first;
				continue;
			}
			next = null;
			if (first.done) {
				isOver = true;
				continue;
			}
			const index = submitted++;
			const key = idempotencyKey?.(index);
			open.set(index, settled(jobs, { index, item: first.value }, { idempotencyKey: key, signal: either }));
		}
	} finally {
		left.abort();
		// A source that pauses closes once it goes on.
		const closed = source.return();
		if (next === null) await closed;
		else closed.catch(() => undefined);
	}
}

async function* each<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item, void> {
	yield* items;
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
