import { describe, expect, it } from "vitest";
import { AppError } from "../../../shared/core/errors.ts";
import { SubmissionLoad } from "../../../workers/intake/jobs/submission-load.ts";

/** Its size is unknown. */
const DB = { sizeBytes: null };

/** Submissions come every 20 ms for `forMs`; D1 responds to each after `waitMs(at)`. Returns when some were refused. */
async function refusals(forMs: number, waitMs: (at: number) => number): Promise<number[]> {
	let at = 0;
	const load = new SubmissionLoad();
	const open: { due: number; respond: () => void }[] = [];
	const refused: number[] = [];
	const clock = { now: () => at };
	for (; at < forMs; at += 20) {
		for (const { due, respond } of open) if (due <= at) respond();
		for (let turns = 0; turns < 10; turns++) await Promise.resolve();
		const began = at;
		try {
			load.admit(clock, DB);
		} catch (error) {
			expect(error).toBeInstanceOf(AppError);
			expect(error).toMatchObject({ code: "overloaded", status: 503 });
			refused.push(began);
			continue;
		}
		const write = () => new Promise<void>((respond) => open.push({ due: began + waitMs(began), respond }));
		void load.measure(clock, write, DB);
	}
	return refused;
}

describe("submissions are refused", () => {
	it("by a D1 that lets them wait for longer than a burst lasts, but for a part that looks whether it still does", async () => {
		const refused = await refusals(10_000, () => 800);
		expect(refused[0]).toBeGreaterThan(2_000);
		expect(refused[0]).toBeLessThan(4_000);
		const late = refused.filter((at) => at >= 5_000).length;
		expect(late).toBeGreaterThan(150);
		expect(late).toBeLessThan(250);
	});

	it.each([
		["an idle D1", () => 10],
		["a D1 that is far away", () => 240],
		["a burst", (at: number) => (at < 1_500 ? 1_500 - at : 10)],
		["one response that never comes", (at: number) => (at === 1_000 ? 60_000 : 10)],
	])("not by %s", async (_, waitMs) => {
		expect(await refusals(10_000, waitMs)).toEqual([]);
	});

	it("no longer once D1 keeps up again", async () => {
		const refused = await refusals(20_000, (at) => (at < 8_000 ? 800 : 10));
		expect(refused.length).toBeGreaterThan(0);
		expect(Math.max(...refused)).toBeLessThan(9_000);
	});
});
