import { describe, expect, it } from "vitest";
import { DoorError, errorOfEnded } from "../../../../../shared/core/doors/ended-job.ts";
import type { Attempt } from "../../../../../shared/core/jobs/attempts.ts";
import type { StatusReason } from "../../../../../shared/core/jobs/job-states.ts";
import { anAttempt, jobOf } from "../../../../support/job-of.ts";

const failed = (statusReason: StatusReason, code: string, status: number | null, outcome: Attempt["outcome"]) =>
	jobOf({
		status: "failed",
		statusReason,
		error: { code, message: "The provider said so.", status, model: "a/b" },
		attempts: [anAttempt(1, { outcome, code, status })],
	});
const permanent = (code: string, status: number | null) => failed("permanent", code, status, "permanent");
const expired = (...outcomes: Attempt["outcome"][]) =>
	jobOf({ status: "expired", attempts: outcomes.map((outcome, at) => anAttempt(at + 1, { outcome })) });

describe("the error of a job that ended without an answer", () => {
	it.each([
		["the request refused (400)", permanent("invalid_request", 400), 400, "invalid_request"],
		["an unknown model at the provider (404)", permanent("model_not_found", 404), 404, "model_not_found"],
		["a long prompt (413)", permanent("context_length_exceeded", 413), 413, "context_length_exceeded"],
		["the request refused (422)", permanent("invalid_request", 422), 422, "invalid_request"],
		["another status of the provider (451)", permanent("content_refused", 451), 451, "content_refused"],
		["a status that is passed on to no caller (418)", permanent("invalid_request", 418), 400, "invalid_request"],
		["a request over a limit of its own (429)", permanent("request_too_large", 429), 400, "request_too_large"],
		["content refused without a status", permanent("content_refused", null), 400, "content_refused"],
		["content refused as forbidden (403)", permanent("content_refused", 403), 400, "content_refused"],
		["the operator's key refused (401)", permanent("unauthorized", 401), 502, "provider_refused"],
		["the operator's account without money (402)", permanent("quota_exhausted", 402), 502, "provider_refused"],
		["the operator's key without access (403)", permanent("forbidden", 403), 502, "provider_refused"],
		["a broken route", permanent("route_misconfigured", null), 502, "provider_refused"],
		["a permanent failure of the provider (501)", permanent("server_error", 501), 502, "provider_failed"],
		["transient to the end", failed("attempts_exhausted", "overloaded", 503, "transient"), 502, "provider_failed"],
		[
			"throttled to the end",
			failed("attempts_exhausted", "rate_limited", 429, "throttled"),
			429,
			"rate_limit_exceeded",
		],
		["blocked to the end", failed("attempts_exhausted", "quota_exhausted", 429, "blocked"), 502, "provider_refused"],
		["its workers died", failed("poisoned", "poisoned", null, "abandoned"), 502, "provider_failed"],
		["unreadable", failed("answer_unreadable", "answer_unreadable", 200, "permanent"), 502, "provider_failed"],
		["no call by its deadline", expired(), 504, "deadline_exceeded"],
		["a call cut off by its deadline", expired("transient", "expired"), 504, "deadline_exceeded"],
		["throttled until its deadline", expired("transient", "throttled"), 429, "rate_limit_exceeded"],
		["a call cut off after it was throttled", expired("throttled", "expired"), 429, "rate_limit_exceeded"],
		["blocked until its deadline", expired("blocked"), 502, "provider_refused"],
		["cancelled", jobOf({ status: "cancelled" }), 409, "job_cancelled"],
	])("%s", (_, job, status, code) => {
		expect(errorOfEnded(job)).toMatchObject({ status, code });
		expect(new DoorError(errorOfEnded(job))).toMatchObject({ status, code, shouldRetry: false, param: null });
	});

	it("has the provider's message, and a type that belongs to its status", () => {
		const typeOf = (job: Parameters<typeof errorOfEnded>[0]) => new DoorError(errorOfEnded(job)).type;
		expect(errorOfEnded(permanent("invalid_request", 400)).message).toBe("The provider said so.");
		expect(typeOf(permanent("invalid_request", 400))).toBe("invalid_request_error");
		expect(typeOf(expired("throttled"))).toBe("rate_limit_error");
		expect(typeOf(expired())).toBe("server_error");
		expect(typeOf(jobOf({ status: "cancelled" }))).toBe("conflict_error");
	});
});
