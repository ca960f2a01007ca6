/** Jobs that take their time: many at once, long ones, retried, delayed, cancelled and expired ones. */
import type { AttemptBody } from "../../../shared/api/attempt.ts";
import { JobList, JobResponse } from "../../../shared/api/job.ts";
import { type Job, parsed } from "./caller.ts";
import { type Check, MODEL, prompt, type Run, seconds } from "./check.ts";
import { expectOneCall, QUICK_WITHIN_MS } from "./check-jobs.ts";
import { expectStatus, expectThat, until } from "./expect.ts";

/**
 * How late a wait may end. A message of the queue carries it; should that be lost, a sweep makes up for it, up to a minute
 * later. This bound shows which it was, most of the time.
 */
const LATE_MS_MAX = 3_000;
/** A local service runs one batch at a time, on a machine that may be busy. Its sweeps may be frequent enough to hide a loss. */
const LATE_MS_MAX_LOCAL = 20_000;

/** A wait is never too short. Whole milliseconds of the database's clock may cut off one. */
function expectWait({ isLocal }: Run["options"], what: string, ms: number, wantedMs: number): void {
	expectThat(ms >= wantedMs - 1, `${what} after ${seconds(ms)}, before the ${seconds(wantedMs)} were over`);
	const lateMsMax = isLocal ? LATE_MS_MAX_LOCAL : LATE_MS_MAX;
	expectThat(ms <= wantedMs + lateMsMax, `${what} after ${seconds(ms)} instead of ${seconds(wantedMs)}`);
}

const AT_ONCE = 40;
const AT_ONCE_MS = 10_000;
/** A local service runs one batch at a time, so that its figure says nothing, and a short one will do. */
const AT_ONCE_MS_LOCAL = 2_000;
const AT_ONCE_WITHIN_MS = 180_000;

export const manyAtOnce: Check = {
	number: 8,
	name: "Forty jobs at once",
	async run({ tenant, signal, options }) {
		const latency_ms = options.isLocal ? AT_ONCE_MS_LOCAL : AT_ONCE_MS;
		const job = { model: MODEL, input: { messages: prompt(), simulate: { latency_ms } }, metadata: { check: "8" } };
		await Promise.all(Array.from({ length: AT_ONCE }, () => tenant.submit(job)));
		const list = "/v1/jobs?limit=100&metadata[check]=8";
		const look = async () => {
			const { data } = await tenant.read(list, JobList);
			return data.every(({ finished_at }) => finished_at !== null) ? data : null;
		};
		const listed = await until(signal, AT_ONCE_WITHIN_MS, `${AT_ONCE} jobs did not end`, look, 2_000);
		expectThat(listed.length === AT_ONCE, `the list has ${listed.length} of ${AT_ONCE} jobs`);
		const jobs = await Promise.all(listed.map(({ id }) => tenant.succeededJob(id, QUICK_WITHIN_MS)));
		for (const done of jobs) expectOneCall(done);
		return concurrencyOf(jobs, latency_ms);
	},
};

/** How many calls ran at a time, in ten steps from the first submission to the last end. */
function concurrencyOf(jobs: Job[], callMs: number): string {
	const calls = jobs.flatMap(({ attempts = [] }) => attempts).map(timesOf);
	const from = Math.min(...jobs.map(({ created_at }) => Date.parse(created_at)));
	const to = Math.max(...calls.map(({ endedAt }) => endedAt));
	const running = (at: number) => calls.filter(({ startedAt, endedAt }) => startedAt <= at && at < endedAt).length;
	const steps = Array.from({ length: 10 }, (_, step) => running(from + ((step + 0.5) * (to - from)) / 10));
	return `calls of ${callMs / 1_000} s all ended in ${seconds(to - from)}; at a time: ${steps.join(" ")}`;
}

const timesOf = ({ started_at, ended_at }: AttemptBody) => ({
	startedAt: Date.parse(started_at),
	endedAt: Date.parse(ended_at),
});

/** Longer than a lease of 90 s, and than the 100 s after which Cloudflare's proxy gives up on an origin. */
const LONG_CALL_MS = 120_000;

/** The id of this run's long job, which takes the narrow tenant's only slot. Submitted once. */
function longJob(run: Run): Promise<string> {
	const input = { messages: prompt(), simulate: { latency_ms: LONG_CALL_MS } };
	run.longJob ??= run.narrowTenant.submit({ model: MODEL, input }).then(({ id }) => id);
	return run.longJob;
}

export const longCall: Check = {
	number: 9,
	name: "A call of two minutes",
	async run(run) {
		const job = await run.narrowTenant.succeededJob(await longJob(run), LONG_CALL_MS + 90_000);
		expectOneCall(job);
		const [call] = (job.attempts ?? []).map(timesOf);
		const tookMs = (call?.endedAt ?? 0) - (call?.startedAt ?? 0);
		expectThat(tookMs >= LONG_CALL_MS - 1, `the call took ${seconds(tookMs)} instead of ${seconds(LONG_CALL_MS)}`);
		return `one call of ${seconds(tookMs)} under one lease`;
	},
};

const RETRY_AFTER_SECONDS = 5;

export const retries: Check = {
	number: 10,
	name: "Retries",
	async run({ id: runId, tenant, options }) {
		// A model of its own: a throttled model is not called by other jobs either.
		const model = `simulated/${runId}`;
		const simulate = { fail: [503, 429], retry_after: RETRY_AFTER_SECONDS };
		const { id } = await tenant.submit({ model, input: { messages: prompt(), simulate } });
		const { attempts = [] } = await tenant.succeededJob(id, 120_000);
		const outcomes = attempts.map(({ outcome, status }) => `${outcome} ${status}`).join(", ");
		const isAsPlanned = outcomes === "transient 503, throttled 429, succeeded 200";
		expectThat(isAsPlanned, `503, 429 and a success became: ${outcomes}`);
		const [failed, throttled, succeeded] = attempts.map(timesOf);
		const waits = [gap(failed, throttled), gap(throttled, succeeded)];
		for (const ms of waits) expectWait(options, "the next attempt began", ms, RETRY_AFTER_SECONDS * 1_000);
		return `503, 429, success; Retry-After ${RETRY_AFTER_SECONDS} s kept: ${waits.map(seconds).join(", ")}`;
	},
};

const gap = (one?: { endedAt: number }, next?: { startedAt: number }) => (next?.startedAt ?? 0) - (one?.endedAt ?? 0);

const DELAY_SECONDS = 10;

export const delayed: Check = {
	number: 11,
	name: "Delayed jobs",
	async run({ tenant, options }) {
		const { id } = await tenant.submit({ model: MODEL, input: { messages: prompt() }, delay_seconds: DELAY_SECONDS });
		const { created_at, started_at } = await tenant.succeededJob(id, 120_000);
		const waited = Date.parse(started_at ?? "") - Date.parse(created_at);
		expectWait(options, "it started", waited, DELAY_SECONDS * 1_000);
		return `started ${seconds(waited)} after its submission, delayed by ${DELAY_SECONDS} s`;
	},
};

export const cancellation: Check = {
	number: 13,
	name: "Cancellation",
	async run({ tenant, signal }) {
		const { id } = await tenant.submit({ model: MODEL, input: { messages: prompt(), simulate: { stall: true } } });
		await untilRunning(tenant, signal, id);
		const response = await tenant.call(`/v1/jobs/${id}/cancel`, { method: "POST" });
		expectStatus(response, 200, "a cancellation");
		const { status, cancellation: when } = parsed(response, JobResponse, "a cancellation");
		expectThat(status === "cancelled" && when === "in_flight", `a running job became ${status}, ${when}`);
		const outcome = await until(signal, QUICK_WITHIN_MS, "the cancelled job's call did not end", async () => {
			const { attempts = [] } = await tenant.job(id);
			return attempts[0]?.outcome ?? null;
		});
		expectThat(outcome === "cancelled", `the call of a cancelled job ended as ${outcome}`);
		return "a running job and its call ended as cancelled";
	},
};

async function untilRunning(tenant: Run["tenant"], signal: AbortSignal, id: string): Promise<void> {
	await until(signal, 120_000, "a job did not start", async () => {
		const { status } = await tenant.job(id);
		return status === "queued" ? null : status;
	});
}

const DEADLINE_SECONDS = 60;
/** One sweep a minute, and its work. */
const EXPIRED_WITHIN_MS = (DEADLINE_SECONDS + 90) * 1_000;

export const expiry: Check = {
	number: 13,
	name: "Expiry",
	async run(run) {
		const { narrowTenant, signal } = run;
		await untilRunning(narrowTenant, signal, await longJob(run));
		const job = { model: MODEL, input: { messages: prompt() }, deadline_seconds: DEADLINE_SECONDS };
		const { id } = await narrowTenant.submit(job);
		const { status, attempts, finished_at, deadline_at } = await narrowTenant.finalJob(id, EXPIRED_WITHIN_MS);
		expectThat(status === "expired", `a job that waits for a slot beyond its deadline is ${status}`);
		expectThat(attempts?.length === 0, "an expired job was called, though its tenant had no slot");
		const lateMs = Date.parse(finished_at ?? "") - Date.parse(deadline_at);
		return `${seconds(lateMs)} after its deadline, while its tenant's only slot is taken`;
	},
};
