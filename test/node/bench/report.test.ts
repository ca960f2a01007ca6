import { describe, expect, it } from "vitest";
import { emptyAccount } from "../../bench/ledger.ts";
import { reportOf, tableOf } from "../../bench/report.ts";
import type { Measured, Turn } from "../../bench/turns.ts";

const LOAD = { rounds: 1, jobs: 1, atOnce: 1, idleJobs: 1 };
const IDLE = { submitMs: [1], toModelMs: [1], toWebhookMs: [1], overheadMs: [2] };
const aTurn = (jobsPerSecond: number): Turn => ({ jobsPerSecond, cpuMsPerJob: 1, submitMs: [1], idle: IDLE });
const SPENT = { intake: { ...emptyAccount(), spent: { ...emptyAccount().spent, rowsWritten: 2 } } };

describe("the report", () => {
	it("has no figure, instead of a zero, for what is not counted", () => {
		const systems = new Map<string, Measured>([
			["holdfast", { turns: [aTurn(200)], spent: SPENT }],
			["a-worker", { turns: [aTurn(100)], spent: SPENT }],
			["servers", { turns: [aTurn(400)], spent: null }],
		]);
		const report = reportOf({ systems, bareInserts: [] }, LOAD, []);
		expect(report.systems["a-worker"]).toMatchObject({
			jobs_per_second: 100,
			rows_written_per_job: 1,
			r2_class_a_per_job: 0,
		});
		expect(Object.keys(report.systems.servers ?? {})).toEqual([
			"jobs_per_second",
			"submit_p50_ms",
			"submit_p99_ms",
			"idle_submit_p50_ms",
			"idle_overhead_p50_ms",
			"idle_overhead_p99_ms",
			"idle_to_model_p50_ms",
			"idle_to_webhook_p50_ms",
			"cpu_ms_per_job",
		]);
		expect(report.ratios).toMatchObject({ jobs_per_second_to_servers: 0.5, "dollars_to_a-worker": 1 });
		expect(report.ratios).not.toHaveProperty("dollars_to_servers");
		const rowsWritten = tableOf(report).find((line) => line.startsWith("rows_written_per_job"));
		expect(rowsWritten?.trim().split(/\s+/)).toEqual(["rows_written_per_job", "1", "1"]);
	});
});
