/** What happened to a job as rows of one time axis: waits, model calls, the stored result and webhooks. */
import type { Attempt, Delivery, Job } from "../../client/index.ts";
import { bytes, whole } from "../format/numbers.ts";
import { shownState, type Tone, words } from "../format/states.ts";
import { duration } from "../format/times.ts";
import type { Span } from "./scale.ts";
import { type Segment, segment } from "./segment.ts";
import { later, openWait, waitBetween } from "./waits.ts";

export interface Row {
	key: string;
	title: string;
	/** What came of it, such as "HTTP 429". */
	outcome: string;
	tone: Tone;
	facts: string[];
	/** What the provider or receiver said. */
	message: string | null;
	segments: Segment[];
}

export interface Timeline {
	range: Span;
	rows: Row[];
}

const at = (time: string) => Date.parse(time);

export function timelineOf(job: Job, now: number): Timeline {
	const { attempts = [], deliveries = [] } = job;
	const end = job.finished_at === null ? now : at(job.finished_at);
	const rows = [
		queuedRow(job, attempts, end),
		...attempts.map((attempt, index) => attemptRow(attempt, attempts[index - 1] ?? null)),
		...currentRow(job, attempts, end),
		...(job.finished_at === null ? [] : [finalRow(job, attempts, at(job.finished_at))]),
		...deliveries.map((delivery) => deliveryRow(delivery, now)),
	];
	const segments = rows.flatMap((row) => row.segments);
	const from = at(job.created_at);
	const to = Math.max(from + 1, ...segments.map((segment) => segment.to));
	return { range: { from, to }, rows };
}

/** Something on its axis goes on. */
export function isLive({ finished_at, deliveries = [] }: Job): boolean {
	return finished_at === null || deliveries.some(({ status }) => status === "pending");
}

/** When a call or a webhook was in flight. */
export function busySpans({ rows }: Timeline): Span[] {
	return rows.flatMap(({ segments }) => segments.filter(({ kind }) => kind === "call" || kind === "send"));
}

/** From the submission to the first call. */
function queuedRow(job: Job, attempts: Attempt[], end: number): Row {
	const from = at(job.created_at);
	const start = attempts[0]?.started_at ?? startWithoutRecord(job);
	const to = start === null ? end : at(start);
	const isOpen = start === null && job.finished_at === null;
	const runAt = Math.max(from, Math.min(at(job.run_at), to));
	const segments: Segment[] = [];
	if (runAt > from) {
		const isDelayed = isOpen && at(job.run_at) > to;
		const until = isDelayed ? job.run_at : null;
		segments.push(segment("wait", from, runAt, { what: "delayed", until, isOpen: isDelayed }));
	}
	if (runAt < to || segments.length === 0)
		segments.push(segment("wait", runAt, to, isOpen ? openWait(job, "queued", end) : { what: "queued" }));
	return {
		key: "queued",
		title: "Queued",
		outcome: duration(to - from),
		tone: isOpen ? (segments.at(-1)?.tone ?? "idle") : "idle",
		facts: job.priority === 5 ? [] : [`priority ${job.priority}`],
		message: null,
		segments,
	};
}

/** A job that waits again although no call was recorded, as without room for its prompt, has not begun. */
function startWithoutRecord({ status, started_at, attempt_started_at }: Job): string | null {
	if (status === "queued") return null;
	return (status === "running" ? attempt_started_at : null) ?? started_at;
}

function attemptRow(attempt: Attempt, before: Attempt | null): Row {
	const tone = attempt.outcome === "succeeded" ? "good" : attempt.outcome === "throttled" ? "warning" : "bad";
	const call = segment("call", at(attempt.started_at), at(attempt.ended_at), { tone, what: "called" });
	const { status, usage, provider, code } = attempt;
	const wait =
		before === null ? [] : [segment("wait", at(before.ended_at), at(attempt.started_at), waitBetween(before, attempt))];
	return {
		key: `attempt ${attempt.number}`,
		title: `Attempt ${attempt.number}`,
		outcome: status === null ? words(code ?? attempt.outcome) : `HTTP ${status}`,
		tone,
		facts: [
			attempt.model,
			...(provider === null ? [] : [provider]),
			...(usage === null ? [] : [`${whole(usage.total_tokens)} tokens`]),
			...(status === null || code === null ? [] : [words(code)]),
			...(attempt.retry_after_ms === null ? [] : [`asked to wait ${duration(attempt.retry_after_ms)}`]),
			...(attempt.counted || attempt.outcome === "succeeded" ? [] : ["not counted"]),
		],
		message: attempt.message,
		segments: [...wait, call],
	};
}

/** The call in flight, or the wait for the next one. */
function currentRow(job: Job, attempts: Attempt[], now: number): Row[] {
	const last = attempts.at(-1);
	const isRunning = job.status === "running";
	if (!isRunning && (job.status !== "queued" || last === undefined)) return [];
	const started = job.attempt_started_at ?? last?.ended_at ?? job.started_at ?? job.created_at;
	const start = isRunning ? at(started) : now;
	const waitAfter = (before: Attempt) =>
		isRunning ? waitBetween(before, { number: before.number + 1, model: job.model }) : openWait(job, "waiting", now);
	const waits = last === undefined ? [] : [segment("wait", at(last.ended_at), start, waitAfter(last))];
	const calls = isRunning ? [segment("call", start, now, { tone: "active", what: "calling", isOpen: true })] : [];
	return [
		{
			key: "current",
			title: isRunning ? `Attempt ${(last?.number ?? 0) + 1}` : "Next attempt",
			outcome: isRunning ? "running" : "waiting",
			tone: isRunning ? "active" : (waits[0]?.tone ?? "idle"),
			facts: [job.model],
			message: null,
			segments: [...waits, ...calls],
		},
	];
}

const FINALS: Record<string, [title: string, tone: Tone, before: string]> = {
	succeeded: ["Stored", "good", " to store the result"],
	failed: ["Failed", "bad", " before it failed"],
	cancelled: ["Cancelled", "idle", " before it was cancelled"],
	expired: ["Expired", "bad", " before it expired"],
};

function finalRow(job: Job, attempts: Attempt[], finishedAt: number): Row {
	const [title, tone, detail] = FINALS[job.status] ?? [job.status, "idle", ""];
	const last = attempts.at(-1);
	const from = last?.ended_at ?? startWithoutRecord(job);
	const isStored = job.status === "succeeded";
	// While the history is read again, the job is newer than it.
	const isRecorded = last !== undefined && (!isStored || /^succeeded$|^superseded$/.test(last.outcome));
	const what = !isRecorded ? "not recorded" : isStored ? "took" : "waited";
	const before =
		from === null ? [] : [segment("wait", at(from), finishedAt, { what, detail: isRecorded ? detail : "" })];
	return {
		key: "final",
		title,
		outcome: job.result_bytes === null ? words(job.status_reason ?? "") : bytes(job.result_bytes),
		tone,
		facts: job.usage === null ? [] : [`${whole(job.usage.total_tokens)} tokens in all`],
		message: job.error?.message ?? null,
		segments: [...before, segment("point", finishedAt, finishedAt, { tone, what: title.toLowerCase() })],
	};
}

const BETWEEN_SENDS = { what: "waited", detail: " between attempts" };

function deliveryRow(delivery: Delivery, now: number): Row {
	const { attempts, status } = delivery;
	const segments: Segment[] = [];
	let from = at(delivery.created_at);
	for (const [index, attempt] of attempts.entries()) {
		const start = at(attempt.at);
		const isGood = attempt.status !== null && attempt.status >= 200 && attempt.status < 300;
		if (start > from) segments.push(segment("wait", from, start, index === 0 ? { what: "queued" } : BETWEEN_SENDS));
		const what = attempt.status === null ? (attempt.error ?? "no reply") : `HTTP ${attempt.status}`;
		from = start + attempt.duration_ms;
		segments.push(segment("send", start, from, { tone: isGood ? "good" : "bad", what }));
	}
	if (status === "pending") {
		const what = attempts.length === 0 ? "queued" : "waiting";
		const until = later(delivery.next_attempt_at, now);
		segments.push(segment("wait", from, now, { what, until, isOpen: true, tone: "warning" }));
	}
	if (segments.length === 0) segments.push(segment("point", from, from, { what: status }));
	const last = attempts.at(-1);
	return {
		key: delivery.id,
		title: "Webhook",
		outcome: shownState(status).word.toLowerCase(),
		tone: shownState(status).tone,
		facts: [
			delivery.event_type,
			hostOf(delivery.url),
			...(attempts.length > 1 ? [`${attempts.length} attempts`] : []),
			...(last === undefined ? [] : [last.status === null ? "no reply" : `HTTP ${last.status}`]),
		],
		message: last?.error ?? null,
		segments,
	};
}

function hostOf(url: string): string {
	return URL.canParse(url) ? new URL(url).host : url;
}
