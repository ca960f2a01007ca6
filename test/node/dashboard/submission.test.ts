import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { reasonOf } from "../../../dashboard/submission/reason.ts";
import {
	asCurl,
	asTypeScript,
	bodyOf,
	changedFields,
	keptFields,
	overridesOf,
	submissionOf,
} from "../../../dashboard/submission/submission.ts";
import { aJob, NOW, timeAt } from "./a-job.ts";

const input = { messages: [{ role: "user", content: 'It\'s "hot" $HOME `x` \\n' }] };

describe("a submission", () => {
	it("is what a job was submitted with, without defaults", () => {
		expect(submissionOf(aJob({}), input)).toEqual({ model: "m", input });
		const webhook = { url: "https://a.test", events: null, payload: "thin" as const };
		const job = aJob({ models: ["a", "b"], webhook, metadata: { user: "42" }, priority: 9, max_attempts: 2 });
		expect(submissionOf(job, undefined)).toEqual({
			...{ model: ["a", "b"], webhook: { url: "https://a.test", payload: "thin" }, metadata: { user: "42" } },
			...{ priority: 9, max_attempts: 2 },
		});
	});

	it("is compared field by field, and a retry sends what changed alone", () => {
		const before = { model: "a", input: { ...input, temperature: 1 }, metadata: { a: "1", b: "2" } };
		const same = { metadata: { b: "2", a: "1" }, model: "a", input: { temperature: 1, ...input } };
		expect([changedFields(before, same), overridesOf(before, same)]).toEqual([[], {}]);
		const after = { ...before, input: { ...input, temperature: 2 }, priority: 9 };
		expect(changedFields(before, after)).toEqual(["input.temperature", "priority"]);
		expect(overridesOf(before, after)).toEqual({ input: after.input, priority: 9 });
		expect(overridesOf({ ...before, priority: 9, max_attempts: 1 }, { ...before, priority: undefined })).toEqual({
			priority: 5,
			max_attempts: 5,
		});
		expect(keptFields({ ...before, webhook: {} }, before)).toEqual(["webhook"]);
		expect(bodyOf({ model: "", input, priority: undefined })).toEqual({ input });
	});

	it("is sent by the shown command as it is, whatever is in it", () => {
		const command = asCurl("https://jobs.test", "/v1/jobs", { input }).replace("curl ", "printf '%s\\0' ");
		const words = execFileSync("sh", ["-c", command], { encoding: "utf8" }).split("\0");
		expect(JSON.parse(words[words.indexOf("-d") + 1] ?? "")).toEqual({ input });
		expect(asTypeScript("https://jobs.test", { input })).toContain('baseUrl: "https://jobs.test"');
	});
});

describe("the reason of a state", () => {
	const sentence = (rest: Parameters<typeof aJob>[0]) => reasonOf(aJob(rest), NOW, (at) => at.slice(17, 19));
	it.each([
		["Queued. It starts in a moment.", {}],
		["Waits until 25, as it was submitted.", { run_at: timeAt(20) }],
		["Waits for m: throttled until 25.", { status_reason: "throttled", next_attempt_at: timeAt(20) }],
		["Waits for m: throttled. It goes on in a moment.", { status_reason: "throttled", next_attempt_at: timeAt(-1) }],
		["Waits for a free slot: as many jobs run as may.", { status_reason: "running_limit" }],
		["Waits: of a newer service until 25.", { status_reason: "of_a_newer_service", next_attempt_at: timeAt(20) }],
		["Calls m for 3.0 s: attempt 2 of 5.", { status: "running" as const, attempt: 2, attempt_started_at: timeAt(-3) }],
		["Succeeded in 4.0 s.", { status: "succeeded" as const, finished_at: timeAt(4) }],
		[
			"Failed after its last attempt: Bad.",
			{
				status: "failed" as const,
				status_reason: "attempts_exhausted",
				error: { code: "x", message: "Bad.", status: null, model: null },
			},
		],
		[
			"Cancelled while it waited for its next attempt.",
			{ status: "cancelled" as const, cancellation: "before_start" as const, started_at: timeAt(1) },
		],
		["Cancelled before its model was called.", { status: "cancelled" as const, cancellation: "before_start" as const }],
	])("is a sentence: %s", (text, rest) => expect(sentence(rest)).toBe(text));
});
