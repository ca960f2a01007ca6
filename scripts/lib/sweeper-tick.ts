/** Cron does not run by itself under wrangler: this redispatches the sweeper, one tick after the other and never two at once. */

const TICK_TIMEOUT_MS = 60_000;

/** Ticks in a row without an answer after which the runtime is taken for dead. */
const SILENT_TICKS_MAX = 3;

/** Starts at once. Returns how to stop; `onSilence` is called when the runtime no longer answers. */
export function tickSweeper(url: string, everySeconds: number, onSilence: () => void): () => void {
	const stopped = new AbortController();
	let timer: NodeJS.Timeout | undefined;
	let silentTicks = 0;

	const tick = async (): Promise<void> => {
		const startedAt = Date.now();
		try {
			const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(TICK_TIMEOUT_MS)]);
			// What went wrong inside a sweep is in the Worker's own log: any answer will do.
			const response = await fetch(`${url}/cdn-cgi/local/scheduled?cron=*+*+*+*+*`, { signal });
			await response.text();
			silentTicks = 0;
		} catch {
			silentTicks += 1;
		}
		if (stopped.signal.aborted) return;
		if (silentTicks >= SILENT_TICKS_MAX) return onSilence();
		timer = setTimeout(tick, Math.max(0, startedAt + everySeconds * 1_000 - Date.now()));
	};
	void tick();

	return () => {
		stopped.abort();
		clearTimeout(timer);
	};
}
