/** A moment, as "5 min ago". A click shows all times of all pages as dates, and the next one as UTC. */
import { now } from "../data/clock.ts";
import { isAbsolute, zone } from "../data/settings.ts";
import { absoluteTime, relativeTime } from "../format/times.ts";

export function Time({ at }: { at: string | null | undefined }) {
	if (at === null || at === undefined) return <span class="none">–</span>;
	const ms = Date.parse(at);
	const text = isAbsolute.value ? absoluteTime(ms, zone.value) : relativeTime(ms, now.value);
	return (
		// biome-ignore lint/a11y/useKeyWithClickEvents: the switch in the navigation does the same by keyboard.
		<time dateTime={at} title={`${absoluteTime(ms, "local")} local\n${absoluteTime(ms, "utc")}`} onClick={switchTimes}>
			{text}
		</time>
	);
}

/** Relative, then dates of this zone, then dates of UTC. */
export function switchTimes(): void {
	if (!isAbsolute.value) {
		isAbsolute.value = true;
		zone.value = "local";
	} else if (zone.value === "local") zone.value = "utc";
	else isAbsolute.value = false;
}
