/** Times and durations as people read them. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "just now", "5 min ago", "in 2 h", "3 d ago". */
export function relativeTime(at: number, now: number): string {
	const apart = Math.abs(now - at);
	if (apart < 5 * SECOND) return "just now";
	const text = roundDuration(apart);
	return at > now ? `in ${text}` : `${text} ago`;
}

function roundDuration(ms: number): string {
	if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
	if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
	if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
	return `${Math.floor(ms / DAY)} d`;
}

/** "420 ms", "4.1 s", "2 min 5 s", "3 h 20 min", "2 d 4 h". */
export function duration(ms: number): string {
	if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
	if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
	if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
	if (ms < HOUR) return pair(ms, MINUTE, "min", SECOND, "s");
	if (ms < DAY) return pair(ms, HOUR, "h", MINUTE, "min");
	return pair(ms, DAY, "d", HOUR, "h");
}

function pair(ms: number, large: number, largeName: string, small: number, smallName: string): string {
	const rest = Math.floor((ms % large) / small);
	return `${Math.floor(ms / large)} ${largeName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`;
}

/** "2026-11-29 16:24:10", in the zone of the browser or in UTC, which it says. */
export function absoluteTime(at: number, zone: "local" | "utc"): string {
	if (Number.isNaN(at)) return "";
	const shifted = zone === "utc" ? at : at - new Date(at).getTimezoneOffset() * MINUTE;
	const text = new Date(shifted).toISOString().slice(0, 19).replace("T", " ");
	return zone === "utc" ? `${text} UTC` : text;
}
