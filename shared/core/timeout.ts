/** Waits for somebody else's answer, but not for ever: a call that hangs must not take its holder with it. */
import type { Runtime } from "./runtime.ts";

export type Timers = Pick<Runtime, "timer">;

/**
 * What `asked` answers, or a rejection after `ms`. What was asked for may still take effect later: whoever asks again
 * must be able to bear both.
 */
export function withTimeout<T>(timers: Timers, ms: number, asked: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const cancelTimer = timers.timer(ms, () => reject(new Error(`No response within ${ms} ms`)));
		asked.then(resolve, reject).finally(cancelTimer);
	});
}
