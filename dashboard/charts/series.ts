/** What the charts of usage draw, from the buckets that the API has. */
import type { BacklogSample, UsageBucket } from "../../client/schemas.ts";

export interface Series {
	label: string;
	/** One for each time. Null: unknown. */
	values: (number | null)[];
}

export interface ChartData {
	/** Unix seconds, in their order. */
	times: number[];
	series: Series[];
}

const MODELS_MAX = 4;

/** Every hour or day from the first one to the present one, those without jobs too. */
export function timesOf(firstMs: number, nowMs: number, stepMs: number): number[] {
	const count = Math.floor((nowMs - firstMs) / stepMs) + 1;
	return Array.from({ length: Math.max(1, count) }, (_, at) => (firstMs + at * stepMs) / 1000);
}

type Reading = (sample: BacklogSample) => number;
type Measure = (bucket: UsageBucket) => number | null | undefined;

/** One series for each measure, of all models together. */
export function byMeasure(
	buckets: readonly UsageBucket[],
	times: number[],
	measures: Record<string, Measure>,
	missing: 0 | null,
): ChartData {
	const at = new Map(buckets.map((bucket) => [Date.parse(bucket.start_at) / 1000, bucket]));
	const series = Object.entries(measures).map(([label, measure]) => ({
		label,
		values: times.map((time) => {
			const bucket = at.get(time);
			return bucket === undefined ? missing : (measure(bucket) ?? missing);
		}),
	}));
	return { times, series };
}

/** One series for each of the models that have most, and one for the others together. */
export function byModel(buckets: readonly UsageBucket[], times: number[], measure: Measure): ChartData {
	const totals = new Map<string, number>();
	for (const bucket of buckets) {
		const model = bucket.model ?? "";
		totals.set(model, (totals.get(model) ?? 0) + (measure(bucket) ?? 0));
	}
	const models = [...totals.keys()].sort((a, b) => (totals.get(b) ?? 0) - (totals.get(a) ?? 0));
	const named = models.length > MODELS_MAX + 1 ? models.slice(0, MODELS_MAX) : models;
	const labels = named.length < models.length ? [...named, "All others"] : named;
	const place = new Map(times.map((time, at) => [time, at]));
	const series = labels.map((label) => ({ label, values: times.map(() => 0) }));
	for (const bucket of buckets) {
		const at = place.get(Date.parse(bucket.start_at) / 1000) ?? -1;
		const one = series[named.indexOf(bucket.model ?? "")] ?? series.at(-1);
		if (one !== undefined && at >= 0) one.values[at] = (one.values[at] ?? 0) + (measure(bucket) ?? 0);
	}
	return { times, series };
}

/** One series for each measure of the samples, the most of each time. Times without a sample had no open work. */
export function byTime(
	samples: readonly BacklogSample[],
	times: number[],
	measures: Record<string, Reading>,
): ChartData {
	const step = (times[1] ?? Number.POSITIVE_INFINITY) - (times[0] ?? 0);
	const first = times[0] ?? 0;
	const series = Object.entries(measures).map(([label]) => ({ label, values: times.map(() => 0) }));
	for (const sample of samples) {
		const at = Math.floor((Date.parse(sample.start_at) / 1000 - first) / step);
		for (const [nth, read] of Object.values(measures).entries()) {
			const values = series[nth]?.values ?? [];
			if (at >= 0 && at < times.length) values[at] = Math.max(values[at] ?? 0, read(sample));
		}
	}
	return { times, series };
}

/** Cells that a spreadsheet could take for a formula begin with an apostrophe. */
export function csvOf({ times, series }: ChartData): string {
	const quoted = (text: string) => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
	const head = ["time", ...series.map(({ label }) => quoted(label))].join(",");
	const lines = times.map((time, at) =>
		[new Date(time * 1000).toISOString(), ...series.map(({ values }) => values[at] ?? "")].join(","),
	);
	return `${[head, ...lines].join("\r\n")}\r\n`;
}
