import { describe, expect, it } from "vitest";
import { type DemoJob, timeline } from "../../../scripts/lib/job-timeline.ts";

const job: DemoJob = {
	id: "job_1",
	status: "succeeded",
	status_reason: null,
	model: "a",
	created_at: "2026-01-01T12:00:00.000Z",
	started_at: "2026-01-01T12:00:00.020Z",
	finished_at: "2026-01-01T12:00:00.150Z",
	usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
	error: null,
};

describe("timeline", () => {
	it("lists what happened in order, each with the time since the one before", () => {
		const attempts = [
			{ number: 1, model: "a", provider: "simulated", started_at: "2026-01-01T12:00:00.020Z", outcome: "succeeded" },
		];
		const posts = [{ at: "2026-01-01T12:00:00.160Z", duration_ms: 4, status: 204 }];
		const deliveries = [
			{ event_type: "job.succeeded", status: "delivered", url: "http://127.0.0.1:1", attempts: posts },
		];
		expect(timeline(job, attempts, deliveries)).toEqual([
			"12:00:00.000            created    202 with the job id",
			"12:00:00.020    +20 ms  started    attempt 1: a, simulated",
			"12:00:00.150   +130 ms  finished   succeeded, 3 tokens in, 5 out",
			"12:00:00.164    +14 ms  delivered  job.succeeded, reply 204",
		]);
	});
});
