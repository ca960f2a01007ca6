import { describe, expect, it } from "vitest";
import { simulate } from "../../simulation/simulate.ts";
import { CALM } from "../../simulation/world/options.ts";

describe("a seed", () => {
	it("is the same world each time, whatever ran before it", async () => {
		const first = await simulate(7);
		await simulate(8);
		const again = await simulate(7);
		expect(again.hash).toBe(first.hash);
		expect(again.history).toEqual(first.history);
		expect((await simulate(9)).hash).not.toBe(first.hash);
	});

	it("keeps its trace without changing it", async () => {
		const traced = await simulate(7, { trace: true });
		expect(traced.hash).toBe((await simulate(7)).hash);
		expect(traced.lines.length).toBeGreaterThan(100);
	});

	it("brings every job from its 202 to its webhook when nothing goes wrong", async () => {
		const { violations, history, lines } = await simulate(1, { overrides: CALM, trace: true });
		expect(violations).toEqual([]);
		const ends = history.filter(({ op, isDrain, type }) => op === "get" && isDrain === true && type === "ok");
		expect(ends.length).toBeGreaterThan(0);
		expect(lines.some((line) => line.includes("_succeeded: taken"))).toBe(true);
	});

	it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])("holds under its faults: %i", async (seed) => {
		expect((await simulate(seed)).violations).toEqual([]);
	});
});
