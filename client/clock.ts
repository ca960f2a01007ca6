/** The real time and randomness. */
export class RealClock {
	now(): number {
		return Date.now();
	}

	random(): number {
		return Math.random();
	}

	sleep(ms: number, signal?: AbortSignal): Promise<void> {
		return new Promise((resolve, reject) => {
			const stop = () => {
				clearTimeout(timer);
				reject(signal?.reason);
			};
			const timer = setTimeout(() => {
				signal?.removeEventListener("abort", stop);
				resolve();
			}, ms);
			if (signal?.aborted) stop();
			else signal?.addEventListener("abort", stop, { once: true });
		});
	}
}
