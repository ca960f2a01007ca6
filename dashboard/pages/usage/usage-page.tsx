/** Jobs, tokens and cost over time, and how long jobs waited and ran. */
import { ChartLine } from "lucide";
import { useMemo } from "preact/hooks";
import { useLocation } from "preact-iso";
import type { BacklogSample, UsageBucket } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { can } from "../../app/session.ts";
import { Chart } from "../../charts/chart.tsx";
import { byMeasure, byModel, byTime, timesOf } from "../../charts/series.ts";
import { useResource } from "../../data/resource.ts";
import { compact, percent, whole } from "../../format/numbers.ts";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import "./usage.css";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const PERIODS: Record<string, string> = { "1": "Since yesterday", "6": "7 days", "29": "30 days", "89": "90 days" };
/** With more, a chart by the hour has more points than pixels. */
const DAYS_BY_HOUR_MAX = 6;
/** Two requests, each of which may read thousands of rows. */
const POLL_MS = 120_000;

const dollars = (value: number) => `$${value < 10 ? value.toFixed(4).replace(/0{1,2}$/, "") : value.toFixed(2)}`;
const seconds = (value: number) =>
	`${value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : whole(Math.round(value))} s`;
const dateAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);
const daysSince = (date: string | undefined) => Math.round((Date.now() - Date.parse(date ?? "")) / DAY_MS - 0.5);

interface Usage {
	all: UsageBucket[];
	models: UsageBucket[];
	/** By the hour, for 90 days. */
	samples: BacklogSample[];
}

async function readUsage(from: string, by: "hour" | "day", signal: AbortSignal): Promise<Usage> {
	const read = async (eachModel: boolean) => {
		const found: UsageBucket[] = [];
		for await (const one of holdfast.usage.buckets({ by, from, eachModel, order: "asc" }, { signal })) found.push(one);
		return found;
	};
	const samples = async () => {
		const found: BacklogSample[] = [];
		if (!can("jobs:read")) return found;
		for await (const one of holdfast.backlog.list({ by: "hour", since: `${from}T00:00:00Z` }, { signal }))
			found.push(one);
		return found;
	};
	const [all, models, open] = await Promise.all([read(false), read(true), samples()]);
	return { all, models, samples: open };
}

export default function UsagePage() {
	const { query, route } = useLocation();
	const asked = daysSince(query.from);
	const days = Object.keys(PERIODS).find((one) => Number(one) >= asked) ?? "6";
	const by =
		(query.by === "hour" || (query.by === undefined && days === "1")) && Number(days) <= DAYS_BY_HOUR_MAX
			? "hour"
			: "day";
	const from = dateAgo(Number(days));
	const show = (next: { from: string; by: string }) => route(`/dashboard/usage?${new URLSearchParams(next)}`, true);
	const usage = useResource(`usage ${from} ${by}`, (signal) => readUsage(from, by, signal), { pollMs: POLL_MS });
	return (
		<>
			<PageHeader title="Usage" />
			<div class="filter-bar">
				<label class="picker">
					<span>Period</span>
					<select value={days} onChange={(event) => show({ from: dateAgo(Number(event.currentTarget.value)), by })}>
						{Object.entries(PERIODS).map(([value, label]) => (
							<option key={value} value={value}>
								{label}
							</option>
						))}
					</select>
				</label>
				<label class="picker">
					<span>By</span>
					<select value={by} onChange={(event) => show({ from, by: event.currentTarget.value })}>
						<option value="hour" disabled={Number(days) > DAYS_BY_HOUR_MAX}>
							Hour
						</option>
						<option value="day">Day</option>
					</select>
				</label>
			</div>
			<ErrorBox error={usage.error} onRetry={() => void usage.refresh()} />
			{usage.value === undefined ? (
				<p class="soft">{usage.error === undefined || usage.error === null ? "Reading the usage…" : ""}</p>
			) : usage.value.all.length === 0 ? (
				<EmptyState icon={ChartLine} title="No job became final in this time">
					<p>Choose a longer period, or submit a job: it is counted here as soon as it is final.</p>
				</EmptyState>
			) : (
				<Charts usage={usage.value} from={from} stepMs={by === "hour" ? HOUR_MS : DAY_MS} />
			)}
		</>
	);
}

const JOBS = {
	Cancelled: ({ cancelled }: UsageBucket) => cancelled,
	Succeeded: ({ succeeded }: UsageBucket) => succeeded,
	Expired: ({ expired }: UsageBucket) => expired,
	Failed: ({ failed }: UsageBucket) => failed,
};
const OLDEST = { "Oldest waiting": ({ oldest_waiting_seconds }: BacklogSample) => oldest_waiting_seconds };
const quantiles = (what: "wait" | "run") => ({
	p50: (bucket: UsageBucket) => bucket[what]?.p50,
	p95: (bucket: UsageBucket) => bucket[what]?.p95,
	p99: (bucket: UsageBucket) => bucket[what]?.p99,
});

function Charts({ usage: { all, models, samples }, from, stepMs }: { usage: Usage; from: string; stepMs: number }) {
	const data = useMemo(() => {
		const times = timesOf(Date.parse(from), Date.now(), stepMs);
		return {
			jobs: byMeasure(all, times, JOBS, 0),
			tokens: byModel(models, times, ({ total_tokens }) => total_tokens),
			cost: byModel(models, times, ({ cost_usd }) => cost_usd),
			wait: {
				times,
				series: [...byMeasure(all, times, quantiles("wait"), null).series, ...byTime(samples, times, OLDEST).series],
			},
			run: byMeasure(all, times, quantiles("run"), null),
		};
	}, [all, models, samples, from, stepMs]);
	const hasCost = all.some(({ cost_usd }) => cost_usd !== null);
	return (
		<>
			<Sums all={all} />
			<div class="charts">
				<Chart title="Jobs" hint="that became final, by state" data={data.jobs} format={compact} isCount />
				<Chart title="Tokens" hint="by model" data={data.tokens} format={compact} isCount />
				{hasCost ? <Chart title="Cost" hint="by model, in US dollars" data={data.cost} format={dollars} /> : null}
				<Chart title="Wait" hint="from due to the first start, logarithmic" data={data.wait} format={seconds} isLog />
				<Chart title="Run" hint="from the first start to the end, logarithmic" data={data.run} format={seconds} isLog />
			</div>
		</>
	);
}

function Sums({ all }: { all: UsageBucket[] }) {
	const sum = (of: (bucket: UsageBucket) => number | null, buckets = all) =>
		buckets.reduce((total, bucket) => total + (of(bucket) ?? 0), 0);
	const jobs = sum((bucket) => bucket.jobs);
	const unpriced = sum((bucket) => bucket.unpriced_tokens);
	const cost = all.some(({ cost_usd }) => cost_usd !== null) ? dollars(sum((bucket) => bucket.cost_usd)) : "–";
	const costHint =
		unpriced === 0 ? "of all tokens" : cost === "–" ? "no prices are set" : `without ${compact(unpriced)} tokens`;
	// Of days from before failures were counted, nothing is known.
	const known = all.filter(({ failed }) => failed !== null);
	const failed = sum((bucket) => (bucket.failed ?? 0) + (bucket.expired ?? 0), known);
	const ended = sum((bucket) => bucket.jobs, known);
	return (
		<dl class="sums">
			<Sum label="Jobs" value={whole(jobs)} hint={`${whole(sum((bucket) => bucket.succeeded))} succeeded`} />
			<Sum label="Failure rate" value={ended === 0 ? "–" : percent(failed, ended)} hint="failed or expired" />
			<Sum
				label="Tokens"
				value={compact(sum((bucket) => bucket.total_tokens))}
				hint={`${compact(sum((bucket) => bucket.completion_tokens))} of them output`}
			/>
			<Sum label="Cost" value={cost} hint={costHint} />
		</dl>
	);
}

function Sum({ label, value, hint }: { label: string; value: string; hint: string }) {
	return (
		<div>
			<dt>{label}</dt>
			<dd>
				<strong>{value}</strong>
				<span class="soft">{hint}</span>
			</dd>
		</div>
	);
}
