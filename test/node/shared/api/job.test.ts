import { describe, expect, it } from "vitest";
import { JobBody, viewJob } from "../../../../shared/api/job.ts";
import { FINAL_STATES, JOB_STATES } from "../../../../shared/core/jobs/job-states.ts";
import { HOUR, jobOf, MINUTE, NOW } from "../../../support/job-of.ts";

const ORIGIN = "https://jobs.test";

describe("viewJob", () => {
	it("shows a succeeded job with all that a caller may know, and nothing else", () => {
		const job = jobOf({
			status: "succeeded",
			models: ["a", "b"],
			model: "b",
			metadata: { team: "blue" },
			webhook: { url: "https://receiver.test", events: ["job.failed"], payload: "thin" },
			usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 },
			finishedAt: NOW + MINUTE,
			retryOf: "job_before",
			gateway: { cacheTtlSeconds: 60, skipCache: null },
		});
		const prices = [
			{ match: "b", input: 0.1, output: 0.2 },
			{ match: "*", input: 9, output: 9 },
		];
		expect(viewJob(job, ORIGIN, prices)).toEqual({
			id: job.jobId,
			object: "job",
			status: "succeeded",
			status_reason: null,
			model: "b",
			models: ["a", "b"],
			attempt: 1,
			max_attempts: 5,
			priority: 5,
			timeout_seconds: 600,
			retain_seconds: 2_592_000,
			gateway: { cache_ttl: 60, skip_cache: null },
			input_bytes: job.inputBytes,
			result_bytes: job.resultBytes,
			created_at: "2026-01-02T03:04:05.678Z",
			run_at: "2026-01-02T03:04:05.678Z",
			started_at: "2026-01-02T03:04:05.678Z",
			attempt_started_at: null,
			finished_at: "2026-01-02T03:05:05.678Z",
			deadline_at: "2026-01-03T03:04:05.678Z",
			next_attempt_at: null,
			usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
			cost_usd: 0.0000005,
			error: null,
			result_url: `https://jobs.test/v1/jobs/${job.jobId}/result`,
			metadata: { team: "blue" },
			webhook: { url: "https://receiver.test", events: ["job.failed"], payload: "thin" },
			retry_of: "job_before",
			door: null,
			cancellation: null,
			version: 1,
		});
	});

	it.each(JOB_STATES)("shows what its own schema promises, when the job is %s", (status) => {
		const view = viewJob(jobOf({ status }), ORIGIN);
		expect(JobBody.strict().parse(view)).toEqual(view);
	});

	it("says when a queued job is tried next and when a running call started, and of no other", () => {
		expect(viewJob(jobOf({ runAt: NOW + HOUR }), ORIGIN).next_attempt_at).toBe("2026-01-02T04:04:05.678Z");
		for (const status of ["running", ...FINAL_STATES] as const) {
			expect(viewJob(jobOf({ status }), ORIGIN).next_attempt_at).toBeNull();
		}
		for (const status of JOB_STATES) {
			const { attempt_started_at } = viewJob(jobOf({ status, leasedAt: NOW + HOUR }), ORIGIN);
			expect(attempt_started_at).toBe(status === "running" ? "2026-01-02T04:04:05.678Z" : null);
		}
	});

	it("links to a result where there is one", () => {
		for (const status of JOB_STATES) {
			expect(viewJob(jobOf({ status }), ORIGIN).result_url !== null).toBe(status === "succeeded");
		}
	});

	it("never shows the input", () => {
		expect(JSON.stringify(viewJob(jobOf({ input: '{"messages":"secret prompt"}' }), ORIGIN))).not.toContain("secret");
	});

	it("shows missing tokens as null and missing metadata as none", () => {
		expect(viewJob(jobOf(), ORIGIN)).toMatchObject({ usage: null, cost_usd: null, metadata: {}, error: null });
	});
});
