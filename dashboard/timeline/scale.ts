/**
 * The time axis. It is linear, except for long waits: the axis is broken there, so that an hour of waiting leaves room for the
 * calls around it, which take seconds.
 */

export interface Span {
	from: number;
	to: number;
}

/** A part of the axis. `start` and `end`: where it is drawn, from 0 to 1. */
interface Piece extends Span {
	start: number;
	end: number;
	isBroken: boolean;
}

export interface Tick {
	at: number;
	x: number;
}

export interface Scale {
	x(at: number): number;
	ticks: Tick[];
	/** Where the axis is broken, from 0 to 1. */
	breaks: { start: number; end: number }[];
}

/** A wait is cut to this multiple of the time in which something is done, and at least to so many milliseconds. */
const WAIT_PER_BUSY = 2;
const WAIT_MS_MIN = 150;
/** A shorter wait than so many cut ones is drawn whole. */
const CUTS_WORTH_A_BREAK = 3;
const TICKS = 6;
const TICK_DISTANCE = 0.12;
/** Behind this part of the axis, a label stands before its tick, where that of the tick before may be. */
export const LAST_PART = 0.9;

const STEPS_MS = [
	...[1, 2, 5, 10, 20, 50, 100, 200, 500],
	...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800].map((seconds) => seconds * 1_000),
	...[1, 2, 3, 6, 12, 24, 48, 168].map((hours) => hours * 3_600_000),
];

/** @param busy when a call or a webhook is in flight, in any order */
export function scaleOf(range: Span, busy: Span[]): Scale {
	const inside = busy.map(({ from, to }) => ({ from: Math.max(from, range.from), to: Math.min(to, range.to) }));
	const pieces = placed(cut(range, merged(inside.filter(({ from, to }) => from <= to))));
	const x = (at: number) => {
		const piece = pieces.find(({ to }) => at <= to) ?? pieces.at(-1);
		if (piece === undefined || piece.to === piece.from) return piece?.start ?? 0;
		const part = Math.min(1, Math.max(0, (at - piece.from) / (piece.to - piece.from)));
		return piece.start + part * (piece.end - piece.start);
	};
	const breaks = pieces.filter(({ isBroken }) => isBroken).map(({ start, end }) => ({ start, end }));
	return { x, breaks, ticks: ticksOf(range.from, pieces, x) };
}

/** Overlapping spans as one. */
function merged(spans: Span[]): Span[] {
	const result: Span[] = [];
	for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
		const last = result.at(-1);
		if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
		else result.push({ from, to });
	}
	return result;
}

/** The range as stretches: `shownMs` is how long each seems to be. */
function cut(range: Span, busy: Span[]): (Span & { shownMs: number })[] {
	const busyMs = busy.reduce((sum, { from, to }) => sum + to - from, 0);
	const limitMs = Math.max(WAIT_MS_MIN, WAIT_PER_BUSY * busyMs);
	const stretches: (Span & { shownMs: number })[] = [];
	const add = (from: number, to: number, isIdle: boolean) => {
		if (to <= from) return;
		const isLong = isIdle && busy.length > 0 && to - from > CUTS_WORTH_A_BREAK * limitMs;
		const last = stretches.at(-1);
		if (isLong) stretches.push({ from, to, shownMs: limitMs });
		else if (last !== undefined && last.shownMs === last.to - last.from) {
			last.to = to;
			last.shownMs = to - last.from;
		} else stretches.push({ from, to, shownMs: to - from });
	};
	let at = range.from;
	for (const { from, to } of busy) {
		add(at, from, true);
		add(Math.max(at, from), to, false);
		at = Math.max(at, to);
	}
	add(at, range.to, true);
	return stretches;
}

function placed(stretches: (Span & { shownMs: number })[]): Piece[] {
	const total = stretches.reduce((sum, { shownMs }) => sum + shownMs, 0) || 1;
	let shown = 0;
	return stretches.map(({ from, to, shownMs }) => {
		const start = shown / total;
		shown += shownMs;
		return { from, to, start, end: shown / total, isBroken: shownMs < to - from };
	});
}

function ticksOf(origin: number, pieces: Piece[], x: (at: number) => number): Tick[] {
	const whole = pieces.filter(({ isBroken }) => !isBroken);
	const wholePart = whole.reduce((sum, { start, end }) => sum + end - start, 0) || 1;
	const wholeMs = whole.reduce((sum, { from, to }) => sum + to - from, 0);
	const wanted = wholeMs / wholePart / TICKS;
	const step = STEPS_MS.find((ms) => ms >= wanted) ?? Math.ceil(wanted);
	const ticks: Tick[] = [{ at: origin, x: 0 }];
	const add = (at: number) => {
		const distance = x(at) > LAST_PART ? 2 * TICK_DISTANCE : TICK_DISTANCE;
		if (x(at) - (ticks.at(-1)?.x ?? 0) >= distance) ticks.push({ at, x: x(at) });
	};
	for (const { from, to, start } of whole) {
		const first = origin + Math.ceil((from - origin) / step) * step;
		// After a break, an axis without a time would say nothing.
		if (first > to && start > 0) add(from);
		for (let at = first; at <= to; at += step) add(at);
	}
	return ticks;
}
