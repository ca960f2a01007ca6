import { describe, expect, it } from "vitest";
import { precheck } from "../../../../../shared/core/jobs/settlement.ts";
import { jobOf, NOW } from "../../../../support/job-of.ts";

describe("precheck", () => {
	const job = jobOf({ status: "running", attempt: 3, maxAttempts: 3, model: "b", deadlineMs: 1_000 });
	const progress = { model: "b", attempts: [], usage: null };

	it("allows a call until attempts or time are used up", () => {
		expect(precheck(job, NOW + 999)).toBeNull();
		expect(precheck({ ...job, attempt: 4 }, NOW + 999)).toMatchObject({
			status: "failed",
			error: { code: "poisoned", message: expect.stringContaining("all 3 attempts"), status: null, model: "b" },
			progress: { ...progress, attempt: 3 },
		});
	});

	it("moves on to a further model when the workers of all attempts died", () => {
		expect(precheck({ ...job, models: ["b", "c"], attempt: 4 }, NOW)).toMatchObject({
			status: "queued",
			reason: "retrying",
			progress: { ...progress, model: "c", attempt: 0 },
		});
	});

	it.each([3, 4])("expires a job at its deadline, at attempt %i", (attempt) => {
		expect(precheck({ ...job, attempt }, NOW + 1_000)).toMatchObject({
			status: "expired",
			reason: "deadline_passed",
			error: { code: "deadline_passed", status: null, model: "b" },
			progress: { ...progress, attempt: attempt - 1 },
		});
	});
});
