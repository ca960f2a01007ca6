/** Works on many items, some of them at a time. */
export interface WindowOptions<Item, Done> {
	/** How many items are open at a time: those whose outcome the caller has not taken yet. */
	size: number;
	work: (item: Item, index: number) => Promise<Done>;
	signal?: AbortSignal | undefined;
}

/** What came of the items, as they end. Throws what `work` or the source throws, and the reason of a signal that aborts. */
export async function* inWindow<Item, Done>(
	items: Iterable<Item> | AsyncIterable<Item>,
	{ size, work, signal }: WindowOptions<Item, Done>,
): AsyncGenerator<Done, void> {
	const source = each(items);
	const ended: { done: Done }[] = [];
	const failures: { error: unknown }[] = [];
	let [started, open, isReading, isOver] = [0, 0, false, false];
	let wake = () => {};
	const then = <Value>(promise: Promise<Value>, take: (value: Value) => void) =>
		promise.then(take, (error: unknown) => void failures.push({ error })).then(() => wake());
	const read = () => {
		isReading = true;
		then(source.next(), ({ done, value }) => {
			isReading = false;
			isOver = done === true;
			if (done) return;
			open += 1;
			then(work(value, started++), (outcome) => void ended.push({ done: outcome }));
		});
	};
	const stop = () => wake();
	signal?.addEventListener("abort", stop);
	try {
		for (;;) {
			signal?.throwIfAborted();
			const [failure] = failures;
			if (failure !== undefined) throw failure.error;
			if (!isOver && !isReading && open < size) read();
			const next = ended.shift();
			if (next !== undefined) {
				open -= 1;
				yield next.done;
			} else if (isOver && open === 0) return;
			else
				await new Promise<void>((resolve) => {
					wake = resolve;
				});
		}
	} finally {
		signal?.removeEventListener("abort", stop);
		// A source that pauses closes once it goes on.
		const closed = source.return();
		if (isReading) closed.catch(() => undefined);
		else await closed;
	}
}

async function* each<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item, void> {
	yield* items;
}
