/**
 * Which part of a stored body a `Range` header requests (RFC 9110 §14). Only a single range of bytes is served as such; any
 * other header selects the whole.
 */

export type RequestedRange =
	| { kind: "whole" }
	/** Never empty, and never beyond the end. */
	| { kind: "part"; offset: number; length: number }
	/** Well-formed, but outside the body: 416. */
	| { kind: "unsatisfiable" };

const WHOLE: RequestedRange = { kind: "whole" };
const UNSATISFIABLE: RequestedRange = { kind: "unsatisfiable" };

/**
 * A malformed header, another unit, or several ranges at once are ignored, as the RFC allows: the whole body is served.
 *
 * @param header null: none was sent
 * @param size bytes of the whole
 */
export function readByteRange(header: string | null, size: number): RequestedRange {
	const match = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(header ?? "");
	const [, first = "", last = ""] = match ?? [];
	if (first === "" && last === "") return WHOLE;
	if (first === "") return lastBytes(Number(last), size);
	const from = Number(first);
	const to = last === "" ? size - 1 : Number(last);
	if (last !== "" && to < from) return WHOLE;
	if (from >= size) return UNSATISFIABLE;
	return { kind: "part", offset: from, length: Math.min(to, size - 1) - from + 1 };
}

/** `bytes=-500`: the last 500, or as many as there are. */
function lastBytes(count: number, size: number): RequestedRange {
	const length = Math.min(count, size);
	return length === 0 ? UNSATISFIABLE : { kind: "part", offset: size - length, length };
}
