/** Time limits for promises: a call that hangs must not hang its caller. */
import type { Runtime } from "./runtime.ts";

/** A call took longer than its caller waits. It may still take effect. */
export class NoResponse extends Error {
	constructor(ms: number) {
		super(`No response within ${ms} ms`);
	}
}

export type Timers = Pick<Runtime, "timer">;

/**
 * Settles as `promise` does, or rejects after `ms`. The work behind it may still take effect later, so a retry must be
 * idempotent.
 */
export function withTimeout<T>(timers: Timers, ms: number, promise: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const cancelTimer = timers.timer(ms, () => reject(new NoResponse(ms)));
		promise.then(resolve, reject).finally(cancelTimer);
	});
}
