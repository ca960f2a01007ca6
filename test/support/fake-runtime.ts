/**
 * A world for tests: its clock moves only when a test moves it, its dice are seeded, its network is what the test says. Nothing
 * sleeps for real.
 */
import type { Runtime } from "../../shared/core/runtime.ts";
import { startDigest } from "./start-digest.ts";

export interface FakeRuntime extends Runtime {
	/** Moves the clock on, firing timers in order and letting what they wake run before the next. */
	advance(ms: number): Promise<void>;
	/** Timers that were not cancelled: a finished call must leave none. */
	pendingTimers(): number;
	/** When the next timer fires, on this clock; null: there is none. */
	nextTimerAt(): number | null;
}

interface FakeWorld {
	/** Unix milliseconds at which the clock starts. */
	startAt?: number;
	seed?: number;
	fetch?: (url: string, init: RequestInit) => Promise<Response>;
	/** Waits until nothing goes on but by the clock. Where there is real I/O, its maker knows when it is over. */
	settle?: () => Promise<void>;
}

/** 2026-01-02T03:04:05.678Z: each part differs, so that a mix-up shows. */
export const START_AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

interface Timer {
	at: number;
	order: number;
	onTime: () => void;
}

export function fakeRuntime(world: FakeWorld = {}): FakeRuntime {
	let now = world.startAt ?? START_AT;
	let order = 0;
	const timers = new Set<Timer>();
	const settle = world.settle ?? settled;
	const random = seededRandom(world.seed ?? 1);

	function timer(ms: number, onTime: () => void): () => void {
		const entry = { at: now + Math.max(0, ms), order: order++, onTime };
		timers.add(entry);
		return () => timers.delete(entry);
	}

	return {
		now: () => now,
		random,
		randomBytes: (length) => Uint8Array.from({ length }, () => Math.floor(random() * 256)),
		timer,
		sleep: (ms, signal) => sleep(timer, ms, signal),
		fetch: world.fetch ?? (async (url) => Promise.reject(new TypeError(`nothing answers at ${url}`))),
		subtle: crypto.subtle,
		startDigest,
		pendingTimers: () => timers.size,
		nextTimerAt: () => (timers.size === 0 ? null : Math.min(...[...timers].map(({ at }) => at))),
		async advance(ms) {
			const until = now + ms;
			await settle();
			for (;;) {
				const [next] = [...timers].sort((a, b) => a.at - b.at || a.order - b.order);
				if (next === undefined || next.at > until) break;
				timers.delete(next);
				now = Math.max(now, next.at);
				next.onTime();
				await settle();
			}
			now = until;
			await settle();
		},
	};
}

/** `Runtime.sleep`, made of its timers. */
export function sleep(timer: Runtime["timer"], ms: number, signal?: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal?.aborted) return resolve();
		const cancelTimer = timer(ms, () => done());
		const done = () => {
			cancelTimer();
			signal?.removeEventListener("abort", done);
			resolve();
		};
		signal?.addEventListener("abort", done);
	});
}

/** Lets everything that can go on without the clock go on: a few turns of the event loop, no time. */
export async function settled(): Promise<void> {
	for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Mulberry32: small, fast, the same on every machine. */
export function seededRandom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}
