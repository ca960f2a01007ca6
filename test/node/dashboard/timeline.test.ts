import { describe, expect, it } from "vitest";
import type { Attempt, Delivery, Job } from "../../../client/index.ts";
import { busySpans, isLive, timelineOf } from "../../../dashboard/timeline/rows.ts";
import { scaleOf } from "../../../dashboard/timeline/scale.ts";
import { saidWaits } from "../../../dashboard/timeline/waits.ts";
import { aJob, NOW, timeAt as time } from "./a-job.ts";

function attemptOf(number: number, from: number, to: number, rest: Partial<Attempt> = {}): Attempt {
	return {
		...{
			number,
			counted: true,
			model: "m",
			provider: "p",
			started_at: time(from),
			ended_at: time(to),
			outcome: "transient",
		},
		...{ status: 500, code: "server_error", provider_code: null, message: null, excerpt: null, retry_after_ms: null },
		...{ log_id: null, usage: null, ...rest },
	};
}

function deliveryOf(rest: Partial<Delivery>): Delivery {
	return {
		...{ id: "dlv_1", object: "delivery", event_id: "evt_1", event_type: "job.succeeded", job_id: "job_1" },
		...{ endpoint_id: null, url: "https://crm.test/hook?secret=1", status: "delivered", created_at: time(0) },
		...{ next_attempt_at: null, attempts: [], ...rest },
	};
}

/** Each row as one line, with its segments in seconds. */
function shown(job: Job, now: number): string[] {
	return timelineOf(job, NOW + now * 1_000).rows.map(({ title, outcome, segments }) => {
		const parts = segments.map(({ what, detail, from, to, isOpen, until }) => {
			const end = isOpen ? "…" : String((to - NOW) / 1_000);
			return `${what}${detail} ${(from - NOW) / 1_000}–${end}${until === null ? "" : ` until ${until.slice(17, 19)}`}`;
		});
		return `${title} (${outcome}): ${parts.join(", ")}`;
	});
}

describe("the rows of a timeline", () => {
	it("show each call, what was waited for between them, the result, and each webhook with its attempts", () => {
		const job = aJob({
			status: "succeeded",
			started_at: time(1),
			finished_at: time(20.1),
			result_bytes: 1_234,
			attempts: [
				attemptOf(1, 1, 2, { outcome: "throttled", status: 429, counted: false, retry_after_ms: 3_000 }),
				attemptOf(2, 6, 7),
				attemptOf(3, 11, 12),
				attemptOf(4, 12.5, 20, { model: "n", outcome: "succeeded", status: 200, code: null }),
			],
			deliveries: [
				deliveryOf({
					created_at: time(20.1),
					attempts: [
						{ at: time(20.2), duration_ms: 300, status: null, error: "connection refused", response: null },
						{ at: time(25), duration_ms: 100, status: 204, error: null, response: "" },
					],
				}),
			],
		});
		expect(shown(job, 99)).toEqual([
			"Queued (1.0 s): queued 0–1",
			"Attempt 1 (HTTP 429): called 1–2",
			"Attempt 2 (HTTP 500): waited before this attempt: throttled 2–6, called 6–7",
			"Attempt 3 (HTTP 500): waited before this attempt 7–11, called 11–12",
			"Attempt 4 (HTTP 200): waited before this attempt: next model 12–12.5, called 12.5–20",
			"Stored (1.2 KiB): took to store the result 20–20.1, stored 20.1–20.1",
			"Webhook (delivered): queued 20.1–20.2, connection refused 20.2–20.5, waited between attempts 20.5–25, HTTP 204 25–25.1",
		]);
		const { rows, range } = timelineOf(job, NOW + 99_000);
		expect(rows[1]?.facts).toEqual(["m", "p", "server error", "asked to wait 3.0 s", "not counted"]);
		expect(rows.at(-1)?.facts).toEqual(["job.succeeded", "crm.test", "2 attempts", "HTTP 204"]);
		expect([isLive(job), range.to - NOW]).toEqual([false, 25_100]);
	});

	it("go on until now while a job is open, with the reason and the time it waits for", () => {
		const asked = { status_reason: "throttled", next_attempt_at: time(30) };
		expect(shown(aJob({}), 4)).toEqual(["Queued (4.0 s): queued 0–…"]);
		expect(shown(aJob({ run_at: time(60) }), 4)).toEqual([
			`Queued (4.0 s): delayed 0–… until ${time(60).slice(17, 19)}`,
		]);
		expect(shown(aJob(asked), 12)).toEqual([
			`Queued (12 s): queued, now throttled 0–… until ${time(30).slice(17, 19)}`,
		]);
		const attempts = [attemptOf(1, 1, 2)];
		expect(shown(aJob({ ...asked, status_reason: "retrying", started_at: time(1), attempts }), 12).at(-1)).toBe(
			`Next attempt (waiting): waiting, now backing off 2–… until ${time(30).slice(17, 19)}`,
		);
		const running = { status: "running" as const, started_at: time(1), attempt_started_at: time(5), attempts };
		expect(shown(aJob(running), 12).at(-1)).toBe("Attempt 2 (running): waited before this attempt 2–5, calling 5–…");
		expect(isLive(aJob(running))).toBe(true);
		const deliveries = [deliveryOf({ status: "pending", next_attempt_at: time(9) })];
		expect(shown(aJob({ deliveries }), 3).at(-1)).toContain("Webhook (pending): queued 0–… until");
	});

	it("name every part of a job's time once, without gaps or overlaps, whatever came between", () => {
		const over = { finished_at: time(90), started_at: time(1) };
		const attempts = [
			attemptOf(1, 2, 3),
			attemptOf(2, 40, 41, { outcome: "throttled", retry_after_ms: 500 }),
			attemptOf(3, 50, 51, { outcome: "abandoned", counted: false }),
			attemptOf(17, 80, 81, { model: "n" }),
		];
		const began = { status: "running" as const, started_at: time(1), attempt_started_at: time(85) };
		const jobs = [
			...[{}, { run_at: time(60) }, { run_at: time(20), status_reason: "unavailable", next_attempt_at: time(95) }],
			...[{ status_reason: "worker_full", started_at: time(1) }, { ...began }, { ...began, attempts }],
			...[{ attempts }, { attempts: attempts.slice(0, 1), status_reason: "blocked", run_at: time(2) }],
			...(["succeeded", "failed", "cancelled", "expired"] as const).flatMap((status) => [
				{ status, ...over },
				{ status, ...over, attempts },
				{ status, finished_at: time(90) },
			]),
		].map(aJob);
		for (const job of jobs) {
			const { rows } = timelineOf(job, NOW + 90_000);
			const parts = rows.flatMap(({ segments }) => segments.filter(({ kind }) => kind !== "point"));
			let end = NOW;
			for (const { from, to } of parts.toSorted((a, b) => a.from - b.from)) {
				expect(from, JSON.stringify(job)).toBe(end);
				end = to;
			}
			expect(end, JSON.stringify(job)).toBe(NOW + 90_000);
		}
	});

	it("say of a wait that is over what is known of it, and of one that goes on what it waits for now", () => {
		const said = (job: Partial<Job>, now: number) =>
			timelineOf(aJob(job), NOW + now * 1_000).rows.flatMap(({ title, segments }) =>
				saidWaits(title, segments, (at) => at.slice(17, 19)),
			);
		const parked = { run_at: time(1), status_reason: "unavailable", next_attempt_at: time(30) };
		const attempts = [attemptOf(1, 2, 3)];
		expect(said({ ...parked, run_at: time(0) }, 9)).toEqual(["queued 9.0 s, now model unavailable until 35"]);
		expect(said({ ...parked, attempts }, 12)).toEqual([
			...["delayed 1.0 s", "queued 1.0 s", "waiting 9.0 s, now model unavailable until 35"],
		]);
		expect(said({ ...parked, attempts }, 31)).toContain("waiting 28 s, now model unavailable");
		expect(said({ status: "running", attempts, attempt_started_at: time(33) }, 34)).toEqual([
			"waited 30 s before this attempt",
		]);
		expect(said({ status: "expired", attempts, finished_at: time(63) }, 99)).toEqual([
			"waited 1 min before it expired",
		]);
		expect(said({ status: "succeeded", attempts, finished_at: time(7) }, 99)).toEqual(["not recorded 4.0 s"]);
		const good = [attemptOf(1, 2, 3, { outcome: "succeeded" })];
		expect(said({ status: "succeeded", attempts: good, finished_at: time(3.2) }, 99)).toEqual([
			"took 200 ms to store the result",
		]);
		const send = (at: number) => ({ at: time(at), duration_ms: 500, status: 500, error: null, response: null });
		const deliveries = [deliveryOf({ attempts: [send(1), send(4), send(10)] })];
		expect(said({ status: "cancelled", finished_at: time(0), deliveries }, 99)).toEqual([
			"queued 1.0 s",
			"waited 8.0 s between attempts",
		]);
	});

	it("name how many attempts are not kept, and never end before they begin", () => {
		const attempts = [attemptOf(1, 1, 2), attemptOf(14, 40, 41)];
		expect(shown(aJob({ status: "failed", finished_at: time(41), attempts }), 50)[2]).toContain(
			"12 attempts not kept 2–40",
		);
		const early = timelineOf(aJob({}), NOW - 5_000);
		expect(early.rows[0]?.segments[0]).toMatchObject({ from: NOW, to: NOW });
		expect(early.range.to).toBeGreaterThan(early.range.from);
	});
});

const scaled = (to: number, busy: [number, number][]) =>
	scaleOf(
		{ from: 0, to },
		busy.map(([from, end]) => ({ from, to: end })),
	);

describe("the time axis", () => {
	it("is linear where no wait is much longer than all that is done", () => {
		const { x, breaks, ticks } = scaled(10_000, [[1_000, 3_000]]);
		expect([x(0), x(2_500), x(10_000), x(99_000), x(-1)]).toEqual([0, 0.25, 1, 1, 0]);
		expect(breaks).toEqual([]);
		expect(ticks.map(({ at }) => at)).toEqual([0, 2_000, 4_000, 6_000, 8_000]);
	});

	it("breaks at a long wait, so that calls before and after it keep their room", () => {
		const { x, breaks, ticks } = scaled(3_610_000, [
			[0, 4_000],
			[3_604_000, 3_610_000],
		]);
		expect(breaks).toHaveLength(1);
		expect(x(4_000)).toBeGreaterThan(0.1);
		expect(x(3_610_000) - x(3_604_000)).toBeCloseTo(0.2, 5);
		expect(ticks.filter(({ at }) => at > 4_000).length).toBeGreaterThan(0);
		for (const [index, tick] of ticks.entries()) expect(tick.x).toBeGreaterThan(ticks[index - 1]?.x ?? -1);
	});

	it("keeps its order and its bounds, whatever it is about", () => {
		for (const to of [1, 3, 70, 5_000, 86_400_000, 30 * 86_400_000]) {
			const { x, ticks } = scaled(to, [
				[0, 1],
				[to / 2, to / 2 + 1],
				[to / 2, to / 3],
			]);
			const at = Array.from({ length: 50 }, (_, index) => x((index * to) / 49));
			expect(at.toSorted((a, b) => a - b)).toEqual(at);
			expect([at[0], at.at(-1)]).toEqual([0, 1]);
			expect(ticks.length).toBeLessThan(14);
		}
	});

	it("is made of the calls and webhooks of a timeline", () => {
		const job = aJob({
			status: "running",
			started_at: time(1),
			attempt_started_at: time(5),
			attempts: [attemptOf(1, 1, 2)],
		});
		expect(busySpans(timelineOf(job, NOW + 9_000)).map(({ from, to }) => [from - NOW, to - NOW])).toEqual([
			[1_000, 2_000],
			[5_000, 9_000],
		]);
	});
});
