import { describe, expect, it } from "vitest";
import { describeApi } from "../support/api-description.ts";
import { CALLS, NAMES, NEVER_MADE, NOT_PLAYED, OPERATIONS } from "../workerd/faults/catalogue.ts";

describe("the catalogue of faults", () => {
	it("has every call that can be made to R2, a queue, a limiter, a model or a URL, or says why none is made", () => {
		const listed = Object.values(CALLS).flatMap((names) => [...names].filter((name) => !name.startsWith("d1 ")));
		expect([...new Set(listed), ...Object.keys(NEVER_MADE)].sort()).toEqual([...NAMES].sort());
	});

	it("has every operation of the API once, or says why no story plays it", async () => {
		const { operations } = await describeApi();
		const listed = [...OPERATIONS.intake, ...OPERATIONS.webhooks, ...Object.keys(NOT_PLAYED)];
		expect(listed.sort()).toEqual(operations.map(({ id }) => id).sort());
	});
});
