import { describe, expect, it } from "vitest";
import {
	ATTEMPTS_KEPT,
	AttemptSchema,
	addUsage,
	nextAttemptNumber,
	withAttempt,
} from "../../../../../shared/core/jobs/attempts.ts";
import { anAttempt } from "../../../../support/job-of.ts";

const historyOf = (length: number) => Array.from({ length }, (_, index) => anAttempt(index + 1));

describe("nextAttemptNumber", () => {
	it("counts from 1, and goes on when old entries are dropped", () => {
		expect(nextAttemptNumber([])).toBe(1);
		expect(nextAttemptNumber([anAttempt(1), anAttempt(80)])).toBe(81);
	});
});

describe("withAttempt", () => {
	it("adds an entry at the end", () => {
		expect(withAttempt([anAttempt(1)], anAttempt(2))).toEqual([anAttempt(1), anAttempt(2)]);
	});

	it("replaces what was written about the same lease, and keeps its place and number", () => {
		const late = anAttempt(9, { fence: 1, outcome: "succeeded" });
		expect(withAttempt(historyOf(2), late)).toEqual([{ ...late, number: 1 }, anAttempt(2)]);
	});

	it("keeps the first and the last 49", () => {
		const full = withAttempt(historyOf(ATTEMPTS_KEPT), anAttempt(51));
		expect(full.map(({ number }) => number)).toEqual([
			1,
			...historyOf(51)
				.slice(2)
				.map(({ number }) => number),
		]);
		expect(withAttempt(full, anAttempt(52))).toHaveLength(ATTEMPTS_KEPT);
		expect(withAttempt(historyOf(49), anAttempt(50))).toEqual(historyOf(50));
	});

	it("changes nothing of what it was given", () => {
		const history = historyOf(1);
		withAttempt(history, anAttempt(1, { outcome: "succeeded" }));
		withAttempt(history, anAttempt(2));
		expect(history).toEqual(historyOf(1));
	});
});

describe("AttemptSchema", () => {
	it("reads back what was written", () => {
		const attempt = anAttempt(1, { usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 } });
		expect(AttemptSchema.parse(JSON.parse(JSON.stringify(attempt)))).toEqual(attempt);
	});
});

describe("addUsage", () => {
	const some = { promptTokens: 1, completionTokens: 2, totalTokens: 3 };

	it("adds up what is known, and invents nothing", () => {
		expect(addUsage(some, { promptTokens: 10, completionTokens: 20, totalTokens: 30 })).toEqual({
			promptTokens: 11,
			completionTokens: 22,
			totalTokens: 33,
		});
		expect(addUsage(some, null)).toEqual(some);
		expect(addUsage(null, some)).toEqual(some);
		expect(addUsage(null, null)).toBeNull();
	});
});

describe("an attempt that was given back", () => {
	it("stays uncounted when its answer is found after all", () => {
		const givenBack = anAttempt(1, { fence: 1, outcome: "not_stored", counted: false });
		const found = anAttempt(1, { fence: 1, outcome: "succeeded", counted: true });
		expect(withAttempt([givenBack], found)).toMatchObject([{ outcome: "succeeded", counted: false }]);
	});
});
