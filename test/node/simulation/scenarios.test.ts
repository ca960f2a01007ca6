import { describe, expect, it } from "vitest";
import { SCENARIOS } from "../../simulation/scenarios/all.ts";
import { play } from "../../simulation/scenarios/play.ts";
import type { Scenario } from "../../simulation/scenarios/scenario.ts";
import { MINUTE, SECOND } from "../../simulation/scenarios/stage.ts";

/** One job, and a figure about it. */
const oneJob = (most: number, before: Partial<Scenario> = {}): Scenario => ({
	name: "one-job",
	promise: "a job is called",
	async play(stage) {
		const tenant = await stage.tenant("one");
		stage.service.model.script = () => ({ afterMs: SECOND });
		stage.submit(tenant);
		await stage.run(MINUTE);
		stage.expect("calls", stage.work.calls.total, { atLeast: 1, atMost: most });
		stage.expect("answers", stage.work.answers.total, { atLeast: 1, atMost: 1 });
	},
	...before,
});

describe("a scenario", () => {
	it("holds if its figures are within their bounds", async () => {
		expect(await play(oneJob(1))).toMatchObject({ holds: true, virtualMs: MINUTE, violations: [] });
	});

	it("fails if a figure is not, or without figures", async () => {
		expect((await play(oneJob(0))).holds).toBe(false);
		expect((await play(oneJob(1, { play: async () => undefined }))).holds).toBe(false);
	});

	it("fails if an invariant is violated", async () => {
		const { play: playJob } = oneJob(1);
		const forging: Scenario["play"] = async (stage) => {
			await playJob(stage);
			stage.world.violate("S0", "something is wrong");
		};
		expect((await play(oneJob(1, { play: forging }))).holds).toBe(false);
	});

	it("has a name of its own", () => {
		expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
	});
});
