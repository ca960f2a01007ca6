/** How long a provider asked us to wait. */

/**
 * The longest accepted wait: a day, the longest window over which providers count. If a provider requests more, it is called
 * again after a day, because a mistaken header must not block a model for years.
 */
export const RETRY_AFTER_MS_MAX = 24 * 60 * 60 * 1000;

/** Reads a header by its name; null where it is missing. */
export type ReadHeader = (name: string) => string | null;

/**
 * Milliseconds asked for by `retry-after-ms`, else by `retry-after` in seconds (fractions too) or as an HTTP date. Null
 * where nothing sensible was asked: negative, infinite, not a number, or a date that has passed. A header that came twice
 * ("3, 5") asks for the longer wait.
 */
export function readRetryAfterMs(header: ReadHeader, nowMs: number): number | null {
	return (
		longest(header("retry-after-ms"), 1) ??
		longest(header("retry-after"), 1000) ??
		untilDate(header("retry-after"), nowMs)
	);
}

/** A wait within what is believed; null where it is no wait at all. */
export function believedMs(waitMs: number): number | null {
	return Number.isFinite(waitMs) && waitMs >= 0 ? Math.min(Math.ceil(waitMs), RETRY_AFTER_MS_MAX) : null;
}

function longest(value: string | null, unitMs: number): number | null {
	const waits = (value ?? "")
		.split(",")
		.filter((part) => /^\s*\d+(\.\d*)?(e\+?\d+)?\s*$/i.test(part))
		.map((part) => believedMs(Number(part) * unitMs))
		.filter((waitMs) => waitMs !== null);
	return waits.length > 0 ? Math.max(...waits) : null;
}

/** Only what looks like an HTTP date: `Date.parse` makes dates of nearly anything, of "3, 5" for one. */
function untilDate(value: string | null, nowMs: number): number | null {
	if (value === null || !/^\s*(mon|tue|wed|thu|fri|sat|sun)/i.test(value)) return null;
	return believedMs(Date.parse(value) - nowMs);
}
