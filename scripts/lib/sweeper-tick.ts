/** Cron does not run by itself under wrangler: this triggers the sweeper at an interval, never two sweeps at once. */

const TICK_TIMEOUT_MS = 60_000;

/** Consecutive ticks without a response after which the runtime counts as dead. */
const SILENT_TICKS_MAX = 3;

/** Starts at once and returns a function that stops it. `onSilence` is called when the runtime stops responding. */
export function tickSweeper(url: string, everySeconds: number, onSilence: () => void): () => void {
	const stopped = new AbortController();
	let timer: NodeJS.Timeout | undefined;
	let silentTicks = 0;

	const tick = async (): Promise<void> => {
		const startedAt = Date.now();
		try {
			const signal = AbortSignal.any([stopped.signal, AbortSignal.timeout(TICK_TIMEOUT_MS)]);
			// Any response will do: the Worker's own log has what failed inside a sweep.
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
