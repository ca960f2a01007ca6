/**
 * Waits in words. The API keeps no history of why a job waited: of a wait that is over, what the call before it came to is known. A job
 * that waits says why it does so now, which may be the last of several reasons.
 */
import type { Attempt, Job } from "../../client/index.ts";
import type { Tone } from "../format/states.ts";
import { duration } from "../format/times.ts";
import type { Segment } from "./segment.ts";

/** Why a queued job waits, by its reason. */
const NOW: Record<string, [what: string, tone: Tone]> = {
	retrying: ["backing off", "warning"],
	throttled: ["throttled", "warning"],
	unavailable: ["model unavailable", "warning"],
	blocked: ["provider blocked", "bad"],
	running_limit: ["at the running limit", "idle"],
	budget_spent: ["token budget spent", "warning"],
	storage_unavailable: ["storage unavailable", "warning"],
	worker_full: ["workers full", "warning"],
};

/** @param what "queued" before the first call, "waiting" after it */
export function openWait({ status_reason, next_attempt_at }: Job, what: string, now: number): Partial<Segment> {
	const [why, tone] = NOW[status_reason ?? ""] ?? [null, "idle"];
	const isKnown = why !== null && status_reason !== "running_limit";
	return {
		what,
		tone,
		isOpen: true,
		detail: why === null ? "" : `, now ${why}`,
		until: isKnown ? later(next_attempt_at, now) : null,
	};
}

/** Null: it is past, and the next try only waits for its turn. */
export const later = (at: string | null, now: number) => (at !== null && Date.parse(at) > now ? at : null);

const AFTER: Record<string, string> = {
	throttled: "throttled",
	blocked: "provider blocked",
	abandoned: "its worker had stopped",
	not_stored: "storage unavailable",
};

export function waitBetween(before: Attempt, next: Pick<Attempt, "number" | "model">): Partial<Segment> {
	const missing = next.number - before.number - 1;
	if (missing > 0) return { what: `${missing} attempts not kept` };
	const why = next.model === before.model ? AFTER[before.outcome] : "next model";
	return { what: "waited", detail: ` before this attempt${why === undefined ? "" : `: ${why}`}` };
}

/** Shorter waits are not worth a word. */
const SAID_MS = 100;

/** The waits of a row, each kind once: "waited 4.1 s before this attempt: throttled". @param clock how a time is shown */
export function saidWaits(title: string, segments: Segment[], clock: (at: string) => string): string[] {
	const sums = new Map<string, { first: Segment; ms: number }>();
	for (const one of segments.filter(({ kind }) => kind === "wait")) {
		const key = one.what + one.detail;
		const sum = sums.get(key) ?? { first: one, ms: 0 };
		sums.set(key, { first: one, ms: sum.ms + one.to - one.from });
	}
	const all = [...sums.values()].filter(({ ms }) => ms >= SAID_MS);
	const isTitle = ({ what, detail }: Segment) => what === title.toLowerCase() && detail === "";
	// The row has its length already.
	if (all.length === 1 && all.every(({ first }) => isTitle(first))) return [];
	return all.map(({ first: { what, detail, until }, ms }) => {
		const end = until === null ? "" : ` until ${clock(until)}`;
		return `${what} ${duration(ms)}${detail}${end}`;
	});
}
