/** The real runtime: the only file that uses the clock, randomness, timers, global fetch and cryptography. */
import type { Runtime } from "../shared/core/runtime.ts";

export const runtime: Runtime = {
	now: () => Date.now(),
	random: () => Math.random(),
	randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
	sleep: (ms, signal) =>
		new Promise((resolve) => {
			if (signal?.aborted) return resolve();
			const done = () => {
				clearTimeout(timer);
				signal?.removeEventListener("abort", done);
				resolve();
			};
			const timer = setTimeout(done, ms);
			signal?.addEventListener("abort", done);
		}),
	timer: (ms, onTime) => {
		const timer = setTimeout(onTime, ms);
		return () => clearTimeout(timer);
	},
	fetch: (url, init) => fetch(url, init),
	subtle: crypto.subtle,
	startDigest: () => {
		const stream = new crypto.DigestStream("SHA-256");
		const writer = stream.getWriter();
		return {
			add: (bytes) => writer.write(bytes),
			async end() {
				await writer.close();
				return await stream.digest;
			},
		};
	},
};
