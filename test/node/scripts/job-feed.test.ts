import { describe, expect, it } from "vitest";
import { JobFeed, type JobNow, type Reading } from "../../../scripts/lib/progress/job-feed.ts";
import { smallestIdAt } from "../../../shared/core/ids.ts";

const NOW = 1_795_000_000_000;
const NONE = { open: 0, finished: 0, succeeded: 0 };

const idAt = (ms: number) => smallestIdAt("job", NOW + ms);
const open = (ms: number): JobNow => ({ id: idAt(ms), status: "running", reason: null, durationMs: null });
const succeeded = (ms: number, durationMs = 40): JobNow => ({ ...open(ms), status: "succeeded", durationMs });
const many = (count: number, make: (ms: number) => JobNow) => Array.from({ length: count }, (_, ms) => make(ms + 1));

/** The lines of one reading after the other, each a second later. */
function linesOf(...readings: Partial<Reading>[]): string[][] {
	const feed = new JobFeed(NOW, NONE);
	return readings.map((reading, at) => {
		const nowMs = NOW + 1_000 * (at + 1);
		const { since, ids } = feed.wanted(nowMs);
		const { jobs = [], ...totals } = { ...NONE, ...reading };
		return feed.linesFor(nowMs, { ...totals, jobs: jobs.filter(({ id }) => id > since || ids.includes(id)) });
	});
}

describe("what npm start says about jobs", () => {
	it("is a line when one comes and a line when it goes, while they are few, and nothing twice", () => {
		const failed = { ...open(2), status: "failed", reason: "permanent", durationMs: 1_230 };
		expect(
			linesOf(
				{ open: 2, jobs: [open(1), open(2)] },
				{ open: 2, jobs: [open(1), open(2)] },
				{ finished: 2, succeeded: 1, jobs: [succeeded(1), failed] },
				{ finished: 2, succeeded: 1, jobs: [succeeded(1), failed] },
			),
		).toEqual([
			[`${idAt(1)} running`, `${idAt(2)} running`],
			[],
			[`${idAt(1)} succeeded in 40 ms`, `${idAt(2)} failed in 1.2 s: permanent`],
			[],
		]);
	});

	it("is one line for a job that came and went since the last look", () => {
		expect(linesOf({ finished: 1, succeeded: 1, jobs: [succeeded(1)] })).toEqual([[`${idAt(1)} succeeded in 40 ms`]]);
	});

	it("follows a job for as long as it runs", () => {
		const waiting = Array.from({ length: 30 }, () => ({ open: 1, jobs: [open(1)] }));
		const lines = linesOf(...waiting, { finished: 1, succeeded: 1, jobs: [succeeded(1, 31_000)] }).flat();
		expect(lines).toEqual([`${idAt(1)} running`, `${idAt(1)} succeeded in 31.0 s`]);
	});

	it("is a count once they are many, and a line each again for those that come later", () => {
		const [burst, quick] = [many(100, open), many(6, succeeded)];
		expect(linesOf({ finished: 6, succeeded: 6, jobs: quick })).toEqual([["jobs: 6 submitted, 6 finished, 0 open"]]);
		expect(
			linesOf(
				{ open: 300, jobs: burst },
				{ open: 150, finished: 150, succeeded: 148, jobs: burst },
				{ open: 150, finished: 150, succeeded: 148, jobs: burst },
				{ open: 0, finished: 301, succeeded: 299, jobs: [...burst, succeeded(3_500)] },
			),
		).toEqual([
			["jobs: 300 submitted, 0 finished, 300 open"],
			["jobs: 0 submitted, 150 finished (2 without a result), 150 open"],
			[],
			[`${idAt(3_500)} succeeded in 40 ms`, "jobs: 1 submitted, 151 finished, 0 open"],
		]);
	});

	it("is a count while more are open than one can follow, though they come one by one", () => {
		const readings = Array.from({ length: 21 }, (_, at) => ({
			open: at + 1,
			jobs: many(at + 1, (job) => open(1_000 * job - 1)),
		}));
		expect(linesOf(...readings).at(-1)).toEqual(["jobs: 1 submitted, 0 finished, 21 open"]);
	});
});
