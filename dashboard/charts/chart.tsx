/** A chart with its numbers beside it: as a table, and as CSV. */
import { useState } from "preact/hooks";
import { zone } from "../data/settings.ts";
import { absoluteTime } from "../format/times.ts";
import { Button } from "../parts/button.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";
import { dotsOf, scaleOf } from "./scale.ts";
import { type ChartData, csvOf } from "./series.ts";
import "./chart.css";

interface ChartProps {
	title: string;
	/** What is counted, and in what unit. */
	hint: string;
	data: ChartData;
	isLog?: boolean;
	/** Whole numbers: no tick lies between two of them. */
	isCount?: boolean;
	format: (value: number) => string;
}

export function Chart({ title, hint, data, isLog = false, isCount = false, format }: ChartProps) {
	const [isTable, setIsTable] = useState(false);
	return (
		<section class="chart">
			<header>
				<h2>{title}</h2>
				<p class="soft">{hint}</p>
				<div class="chart-actions">
					<Button onClick={() => setIsTable(!isTable)}>{isTable ? "As chart" : "As table"}</Button>
					<Button onClick={() => save(`${title.toLowerCase().replaceAll(" ", "-")}.csv`, csvOf(data))}>CSV</Button>
				</div>
			</header>
			{isTable ? (
				<Numbers title={title} data={data} format={format} />
			) : (
				<Lines title={title} data={data} isLog={isLog} isCount={isCount} format={format} />
			)}
		</section>
	);
}

/** In a box of 100 by 100, which the page stretches. */
function Lines({ title, data: { times, series }, isLog, isCount, format }: Omit<Required<ChartProps>, "hint">) {
	const { min, max, ticks } = scaleOf(series, { isLog, isCount });
	const place = (value: number) =>
		isLog ? (100 * Math.log(max / value)) / Math.log(max / min) : 100 - (100 * value) / max;
	const last = times.length - 1;
	const x = (at: number) => (last === 0 ? 100 : (100 * at) / last);
	return (
		<>
			<div class="plot" role="img" aria-label={`${title}: a line chart. “As table” shows its numbers.`}>
				<div class="ticks">
					{ticks.map((tick) => (
						<span key={tick} style={{ top: `${place(tick)}%` }}>
							{format(tick)}
						</span>
					))}
				</div>
				<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
					{ticks.map((tick) => (
						<path key={tick} class="grid" d={`M0 ${place(tick)}H100`} />
					))}
					{series.map(({ label, values }, nth) => (
						<g key={label} class={`line-${nth % 5}`}>
							<path d={pathOf(values.slice(0, Math.max(1, last)), x, place, isLog)} />
							{dotsOf(values, isLog).map((at) => (
								<path key={at} class="dot" d={`M${x(at).toFixed(2)} ${place(values[at] ?? 0).toFixed(2)}h-0.01`} />
							))}
							<path class="newest" d={pathOf(values, x, place, isLog, last - 1)} />
						</g>
					))}
				</svg>
				<div class="times">
					<TimeTick times={times} at={0} />
					{last > 0 ? <TimeTick times={times} at={last} /> : null}
				</div>
			</div>
			<ul class="legend">
				{series.map(({ label }, nth) => (
					<li key={label} class={`line-${nth % 5}`}>
						{label}
					</li>
				))}
			</ul>
		</>
	);
}

const DAY_SECONDS = 86_400;

/** The date of a UTC day, or the date and time of an hour. */
function TimeTick({ times, at }: { times: number[]; at: number }) {
	const iso = isoOf(times[at]);
	const areDays = times.every((time) => time % DAY_SECONDS === 0);
	return (
		<time dateTime={iso}>
			{areDays
				? iso.slice(0, "2026-01-02".length)
				: absoluteTime(Date.parse(iso), zone.value).slice("2026-".length, -3)}
		</time>
	);
}

/** A line through what is known. */
function pathOf(
	values: (number | null)[],
	x: (at: number) => number,
	place: (value: number) => number,
	isLog: boolean,
	from = 0,
): string {
	let isDown = false;
	const steps = values.map((value, at) => {
		const isKnown = value !== null && at >= from && (!isLog || value > 0);
		const step = isKnown ? `${isDown ? "L" : "M"}${x(at).toFixed(2)} ${place(value).toFixed(2)}h-0.01` : "";
		isDown = isKnown;
		return step;
	});
	return steps.join("");
}

function Numbers({ title, data, format }: Pick<ChartProps, "title" | "data" | "format">) {
	const rows = data.times.map((_, at) => at).reverse();
	const columns: Column<number>[] = [
		{ id: "time", label: "Time", cell: (at) => <Time at={isoOf(data.times[at])} />, isTitle: true },
		...data.series.map(({ label, values }) => ({
			id: label,
			label,
			isNumber: true,
			cell: (at: number) => (values[at] === null || values[at] === undefined ? "–" : format(values[at])),
		})),
	];
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
		<section class="numbers" tabIndex={0} aria-label={`${title}: numbers`}>
			<Table caption={title} columns={columns} rows={rows} keyOf={String} />
		</section>
	);
}

const isoOf = (seconds = 0) => new Date(seconds * 1000).toISOString();

function save(name: string, text: string): void {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 1_000);
}
