/** The time, for what is shown relative to it. */
import { signal } from "@preact/signals";

const TICK_MS = 1_000;

/** Of the last second in which the page was visible. */
export const now = signal(Date.now());

/** Called once, by the page. */
export function startClock(): void {
	setInterval(() => {
		if (!document.hidden) now.value = Date.now();
	}, TICK_MS);
}
