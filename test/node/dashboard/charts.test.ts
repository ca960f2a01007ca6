import { expect, it } from "vitest";
import type { BacklogSample } from "../../../client/schemas.ts";
import { dotsOf, scaleOf } from "../../../dashboard/charts/scale.ts";
import { byTime } from "../../../dashboard/charts/series.ts";

const ticksOf = (values: number[], isCount: boolean) =>
	scaleOf([{ label: "", values }], { isLog: false, isCount }).ticks;

it("counts have whole ticks, and other numbers halves of the largest", () => {
	expect([[], [1], [3], [10]].map((values) => ticksOf(values, true))).toEqual([
		[0, 1],
		[0, 1],
		[0, 2, 4],
		[0, 5, 10],
	]);
	expect(ticksOf([3], false)).toEqual([0, 1.5, 3]);
});

it("a value that stands alone is a dot", () => {
	expect(dotsOf([1, null, 2, 3, null, null, 4], false)).toEqual([0, 6]);
	expect(dotsOf([0, 5, 0], true)).toEqual([1]);
});

it("samples count as the most of their time, and times without one as nothing", () => {
	const sample = (start_at: string, open_jobs: number) => ({ start_at, open_jobs }) as BacklogSample;
	const first = Date.parse("2026-01-02T00:00:00Z") / 1000;
	const samples = [
		sample("2026-01-01T23:00:00.000Z", 9),
		sample("2026-01-02T00:00:00.000Z", 2),
		sample("2026-01-02T00:30:00.000Z", 5),
		sample("2026-01-02T02:00:00.000Z", 1),
	];
	const { series } = byTime(samples, [first, first + 3_600, first + 7_200], { Open: ({ open_jobs }) => open_jobs });
	expect(series).toEqual([{ label: "Open", values: [5, 0, 1] }]);
});
