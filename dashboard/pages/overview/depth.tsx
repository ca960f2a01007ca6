/** How much work was open in the last day, and how long the oldest of it waited. */
import type { BacklogSample } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { Chart } from "../../charts/chart.tsx";
import { byTime, timesOf } from "../../charts/series.ts";
import { useResource } from "../../data/resource.ts";
import { compact } from "../../format/numbers.ts";
import { duration } from "../../format/times.ts";

const HOUR_MS = 3_600_000;
const HOURS = 24;

/** The first of the hours that are shown, the present one among them. */
const firstHour = (now: number) => (Math.floor(now / HOUR_MS) - HOURS + 1) * HOUR_MS;

const DEPTH = {
	Open: ({ open_jobs }: BacklogSample) => open_jobs,
	"Waiting for a slot, a budget or a model": ({ parked_jobs }: BacklogSample) => parked_jobs,
	"Due later": ({ later_jobs }: BacklogSample) => later_jobs,
};
const AGE = { "Oldest waiting": ({ oldest_waiting_seconds }: BacklogSample) => oldest_waiting_seconds };

/** Counted once a minute. */
export function useSamples() {
	return useResource(
		"backlog of the overview",
		async (signal) => {
			const since = new Date(firstHour(Date.now())).toISOString();
			return (await holdfast.backlog.list({ by: "hour", since }, { signal })).data;
		},
		{ pollMs: 60_000 },
	);
}

export function Depth({ samples, now }: { samples: BacklogSample[]; now: number }) {
	const times = timesOf(firstHour(now), now, HOUR_MS);
	return (
		<div class="charts overview-charts">
			<Chart
				title="Open jobs"
				hint="the most of each hour, for 24 hours"
				data={byTime(samples, times, DEPTH)}
				format={compact}
				isCount
			/>
			<Chart
				title="Oldest waiting"
				hint="how long it had waited, the most of each hour"
				data={byTime(samples, times, AGE)}
				format={(seconds) => duration(1_000 * seconds)}
			/>
		</div>
	);
}
