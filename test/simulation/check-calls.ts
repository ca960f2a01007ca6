/**
 * Compares what providers saw with what callers see. H1: every call is in its job's history. C2: an answer is bought again
 * only where the service was killed or paused while it held the one before, once for each time that this happened.
 */
import type { Problem } from "./check-history.ts";
import type { HistoryEvent } from "./history.ts";

/**
 * How long an answer may be on its way from the provider's last byte into storage, and a call on its way to the provider:
 * a kill in this time hits an attempt in flight, although no connection is open. Three seconds were seen on two cores
 * with a load of eight.
 */
const ON_ITS_WAY_MS = 5_000;

interface Span {
	from: number;
	to: number;
}

/** What was paid for one submission, and what for twice. */
interface CallAccount {
	tag: string;
	calls: number;
	/** Answers bought beyond the first. */
	extra: number;
	/** How often harm came while a paid call was in flight. */
	inFlight: number;
}

/** @param history in the order of time */
export function accountCalls(history: readonly HistoryEvent[]): CallAccount[] {
	const harms = spansOf(history.filter(({ op }) => op === "harm"));
	const calls = Map.groupBy(
		history.filter(({ op }) => op === "call"),
		({ tag = "" }) => tag,
	);
	return [...calls].map(([tag, events]) => {
		const paid = spansOf(events.filter(({ isPaid }) => isPaid === true));
		const inFlight = paid.map((call) => harms.filter((harm) => touches(call, harm)).length);
		return {
			tag,
			calls: events.filter(({ type }) => type === "invoke").length,
			extra: Math.max(0, paid.length - 1),
			inFlight: inFlight.reduce((sum, count) => sum + count, 0),
		};
	});
}

/** @param history in the order of time */
export function checkCalls(history: readonly HistoryEvent[]): Problem[] {
	const recorded = recordedByTag(history);
	return accountCalls(history).flatMap(({ tag, calls, extra, inFlight }) => {
		const problems: Problem[] = [];
		const attempts = recorded.get(tag);
		if (attempts !== undefined && calls > attempts)
			problems.push({ invariant: "H1", message: `${tag} made ${calls} calls, and its history has ${attempts}` });
		if (extra > inFlight) {
			const why = `${inFlight} times it was killed or paused in flight`;
			problems.push({ invariant: "C2", message: `${tag} bought ${extra} answers too many; ${why}` });
		}
		return problems;
	});
}

/** How many calls the history of each submission's job has, where a caller fetched it. */
function recordedByTag(history: readonly HistoryEvent[]): Map<string, number> {
	const tags = new Map<string, string>();
	const recorded = new Map<string, number>();
	for (const { op, type, job, tag, jobs = [] } of history) {
		if (op === "submit" && type === "ok" && job !== undefined && tag !== undefined) tags.set(job, tag);
		for (const found of jobs) if (found.tag !== null) tags.set(found.job, found.tag);
	}
	for (const event of history) {
		const tag = tags.get(event.job ?? "");
		if (event.op === "attempts" && tag !== undefined && event.recorded !== undefined) recorded.set(tag, event.recorded);
	}
	return recorded;
}

/** From each invocation to its end; what never ended lasts. */
function spansOf(events: readonly HistoryEvent[]): Span[] {
	const ends = new Map(events.flatMap(({ type, request, at }) => (type === "invoke" ? [] : [[request, at] as const])));
	return events.flatMap(({ type, request, at }) =>
		type === "invoke" ? [{ from: at, to: ends.get(request) ?? Number.POSITIVE_INFINITY }] : [],
	);
}

function touches(call: Span, harm: Span): boolean {
	return call.from <= harm.to + ON_ITS_WAY_MS && call.to + ON_ITS_WAY_MS >= harm.from;
}
