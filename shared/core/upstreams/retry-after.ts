/** Reads the wait that a provider requests. */

/**
 * The longest accepted wait: a day, the longest window over which providers count. If a provider requests more, it is called
 * again after a day, because a mistaken header must not block a model for years.
 */
export const RETRY_AFTER_MS_MAX = 24 * 60 * 60 * 1000;

/** Reads a header by its name; null if it is missing. */
export type ReadHeader = (name: string) => string | null;

/**
 * The requested wait in milliseconds: from `retry-after-ms`, else from `retry-after` in seconds (fractions too) or as an
 * HTTP date. Null if no usable wait was requested: negative, infinite, not a number, or a date in the past. If a header came
 * twice ("3, 5"), the longer wait counts.
 */
export function readRetryAfterMs(header: ReadHeader, nowMs: number): number | null {
	return (
		longest(header("retry-after-ms"), 1) ??
		longest(header("retry-after"), 1000) ??
		untilDate(header("retry-after"), nowMs)
	);
}

/** The wait, limited to a day. Null: not a valid wait. */
export function acceptedMs(waitMs: number): number | null {
	return Number.isFinite(waitMs) && waitMs >= 0 ? Math.min(Math.ceil(waitMs), RETRY_AFTER_MS_MAX) : null;
}

function longest(value: string | null, unitMs: number): number | null {
	const waits = (value ?? "")
		.split(",")
		.filter((part) => /^\s*\d+(\.\d*)?(e\+?\d+)?\s*$/i.test(part))
		.map((part) => acceptedMs(Number(part) * unitMs))
		.filter((waitMs) => waitMs !== null);
	return waits.length > 0 ? Math.max(...waits) : null;
}

/** Only text that looks like an HTTP date: `Date.parse` accepts nearly anything, even "3, 5". */
function untilDate(value: string | null, nowMs: number): number | null {
	if (value === null || !/^\s*(mon|tue|wed|thu|fri|sat|sun)/i.test(value)) return null;
	return acceptedMs(Date.parse(value) - nowMs);
}
