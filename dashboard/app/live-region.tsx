/** Says changes to those who do not see them: politely, and at most every ten seconds. */
import { signal } from "@preact/signals";

const PAUSE_MS = 10_000;

const said = signal("");
let waiting: string | null = null;
let isPausing = false;

/** Of what is said within a pause, the last is said after it. */
export function say(text: string): void {
	if (isPausing) {
		waiting = text;
		return;
	}
	said.value = text;
	isPausing = true;
	setTimeout(() => {
		isPausing = false;
		const next = waiting;
		waiting = null;
		if (next !== null) say(next);
	}, PAUSE_MS);
}

export function LiveRegion() {
	return (
		<p class="unseen" role="status">
			{said}
		</p>
	);
}
