/** What a run has to say: one line where all is well; else the violations, and what happened to the jobs in them. */
import { readFileSync } from "node:fs";
import { accountCalls } from "../simulation/check-calls.ts";
import type { Problem } from "../simulation/check-history.ts";
import type { HistoryEvent } from "../simulation/history.ts";
import type { Options } from "./options.ts";

const STORIES_SHOWN = 5;
const STORY_LINES_MAX = 60;
const LOG_LINES_SHOWN = 60;

const countOf = (problems: readonly Problem[], ...names: string[]) =>
	problems.filter(({ invariant }) => names.includes(invariant)).length;

/** @param restMs from the last harm until all was at rest */
export function summary(
	{ seed }: Options,
	history: readonly HistoryEvent[],
	problems: readonly Problem[],
	times: { totalMs: number; restMs: number },
): string {
	const ended = (op: HistoryEvent["op"], ...types: string[]) =>
		history.filter((event) => event.op === op && types.includes(event.type));
	const accepted = new Set(ended("submit", "ok").map(({ job }) => job));
	// Several receivers hear of one event, under one id.
	const taken = ended("webhook", "ok").map(({ receiver = "", webhookId }) => `${receiver} ${webhookId}`);
	const account = accountCalls(history);
	const sum = (name: "calls" | "extra" | "inFlight") => account.reduce((total, one) => total + one[name], 0);
	const parts = [
		`seed ${seed}: ${accepted.size} jobs accepted (${countedWords(endsOf(history))})`,
		`${ended("harm", "ok").length} harms (${countedWords(ended("harm", "ok").map(({ kind = "" }) => kind))})`,
		`lost ${countOf(problems, "S1", "L1")}`,
		`changed ${countOf(problems, "S2", "S8")}`,
		`webhooks ${new Set(taken).size} taken, ${taken.length - new Set(taken).size} duplicates, ${ended("webhook", "info").length} refused, ${ended("webhook", "fail").length} exhausted`,
		`calls ${sum("calls")}, bought again ${sum("extra")} of ${sum("inFlight")} in flight at a harm`,
		`5xx ${history.filter(({ code = 0 }) => code >= 500).length}, unanswered ${unanswered(history)}`,
		`at rest ${seconds(times.restMs)} after the last harm, ${seconds(times.totalMs)} in all`,
	];
	return parts.join("; ");
}

function endsOf(history: readonly HistoryEvent[]): string[] {
	const ends = new Map<string, string>();
	for (const { op, isDrain, type, job = "", status = "" } of history)
		if (op === "get" && isDrain === true && type === "ok") ends.set(job, status);
	return [...ends.values()];
}

function unanswered(history: readonly HistoryEvent[]): number {
	return history.filter(
		({ type, op, code }) => type === "info" && code === undefined && op !== "webhook" && op !== "call",
	).length;
}

function countedWords(words: readonly string[]): string {
	const counts = Map.groupBy(words, (word) => word);
	return [...counts].map(([word, all]) => `${all.length} ${word}`).join(", ");
}

function seconds(ms: number): string {
	return `${(ms / 1_000).toFixed(1)} s`;
}

/** For finding out why. */
export function autopsy(history: readonly HistoryEvent[], problems: readonly Problem[], logPath: string): string {
	const subjects = new Set(problems.flatMap(({ message }) => message.match(/job_\w+|\bs\d+\b/g) ?? []));
	const stories = [...subjects].slice(0, STORIES_SHOWN).map((subject) => storyOf(history, subject));
	const log = readFileSync(logPath, "utf8").trimEnd().split("\n").slice(-LOG_LINES_SHOWN);
	return [
		...stories,
		`--- the end of the service's log ---\n${log.join("\n")}`,
		...problems.map(({ invariant, message }) => `VIOLATED ${invariant}: ${message}`),
	].join("\n\n");
}

/** What happened to a job, by its id or its tag, and to the service meanwhile. */
function storyOf(history: readonly HistoryEvent[], subject: string): string {
	const job = history.find(({ op, type, tag }) => op === "submit" && type === "ok" && tag === subject)?.job ?? subject;
	const tag =
		history.find(({ op, job: id, tag }) => op === "submit" && id === job && tag !== undefined)?.tag ?? subject;
	const own = history.filter((event) => event.job === job || (event.tag === tag && event.op !== "result"));
	const [from = 0, to = 0] = [own[0]?.at, own.at(-1)?.at];
	const seen = history.filter(
		(event) => own.includes(event) || (event.op === "harm" && event.at >= from && event.at <= to),
	);
	const lines = seen.map(({ tenant: _, ...event }) => JSON.stringify(event));
	const left = lines.length - STORY_LINES_MAX;
	const shown = left > 0 ? [...lines.slice(0, 30), `… ${left} more …`, ...lines.slice(-30)] : lines;
	return `--- ${tag}, ${job} ---\n${shown.join("\n")}`;
}
