/** Durations as people say them: two units at most. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function durationOf(ms: number): string {
	if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
	if (ms < 9_950) return `${Number((ms / SECOND).toFixed(1))} s`;
	const seconds = Math.round(ms / SECOND) * SECOND;
	if (seconds < MINUTE) return `${seconds / SECOND} s`;
	if (seconds < HOUR) return twoUnits(seconds, [MINUTE, "min"], [SECOND, "s"]);
	const minutes = Math.round(ms / MINUTE) * MINUTE;
	return minutes < DAY ? twoUnits(minutes, [HOUR, "h"], [MINUTE, "min"]) : twoUnits(minutes, [DAY, "d"], [HOUR, "h"]);
}

function twoUnits(ms: number, [large, largeName]: [number, string], [small, smallName]: [number, string]): string {
	const rest = Math.floor((ms % large) / small);
	return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`;
}
