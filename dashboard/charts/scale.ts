/** The axis of a chart, and the values that no line leads to. */
import type { Series } from "./series.ts";

export interface Scale {
	min: number;
	max: number;
	ticks: number[];
}

/** Powers of ten on a logarithm, and else halves of the largest value; of counts, whole ones. */
export function scaleOf(series: Series[], { isLog, isCount }: { isLog: boolean; isCount: boolean }): Scale {
	const known = series.flatMap(({ values }) => values.flatMap((value) => (value !== null && value > 0 ? [value] : [])));
	const top = Math.max(...known, isLog ? 0.1 : 1);
	if (!isLog) {
		const max = isCount && top > 1 ? 2 * Math.ceil(top / 2) : top;
		return { min: 0, max, ticks: isCount && max === 1 ? [0, 1] : [0, max / 2, max] };
	}
	const [low, high] = [Math.floor(Math.log10(Math.min(...known, top))), Math.ceil(Math.log10(top))];
	const powers = Array.from({ length: Math.max(1, high - low) + 1 }, (_, at) => 10 ** (low + at));
	return { min: powers[0] ?? 0.01, max: powers.at(-1) ?? 1, ticks: powers };
}

/** Where a value stands alone: a line of one point could hardly be seen. */
export function dotsOf(values: readonly (number | null)[], isLog: boolean): number[] {
	const isKnown = (value: number | null | undefined) => value !== null && value !== undefined && (!isLog || value > 0);
	return values.flatMap((value, at) =>
		isKnown(value) && !isKnown(values[at - 1]) && !isKnown(values[at + 1]) ? [at] : [],
	);
}
