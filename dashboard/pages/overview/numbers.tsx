/** How many jobs are open, by state and reason, and how many have ended today. Each number leads to its jobs. */
import type { Stats } from "../../../client/schemas.ts";
import { percent, whole } from "../../format/numbers.ts";
import { shownState, words } from "../../format/states.ts";
import { StateBadge } from "../../parts/badge.tsx";

export function Numbers({ stats }: { stats: Stats | undefined }) {
	return (
		<div class="numbers" aria-busy={stats === undefined}>
			{stats === undefined ? <Placeholder /> : <Open stats={stats} />}
			{stats === undefined ? <Placeholder /> : <Ended stats={stats} />}
		</div>
	);
}

const Placeholder = () => <section class="number-box" />;

function Open({ stats: { open } }: { stats: Stats }) {
	return (
		<section class="number-box">
			<h2>Open</h2>
			{open.length === 0 ? <p class="soft">No job is running or waiting.</p> : null}
			<ul class="number-list">
				{open.map(({ status, status_reason, jobs }) => (
					<li key={`${status} ${status_reason}`}>
						<a
							href={`/dashboard/jobs?${new URLSearchParams({ status, ...(status_reason ? { reason: status_reason } : {}) })}`}
						>
							<StateBadge state={status} reason={status_reason === null ? null : words(status_reason)} />
							<span class="number-value">
								{whole(jobs.value)}
								{jobs.or_more ? "+" : ""}
							</span>
						</a>
					</li>
				))}
			</ul>
		</section>
	);
}

function Ended({
	stats: {
		ended_today: { jobs, succeeded },
	},
}: {
	stats: Stats;
}) {
	const others = jobs - succeeded;
	return (
		<section class="number-box">
			<h2>Ended today, UTC</h2>
			<ul class="number-list">
				<li>
					<a href="/dashboard/jobs?status=succeeded">
						<StateBadge state="succeeded" />
						<span class="number-value">{whole(succeeded)}</span>
					</a>
				</li>
				<li>
					<a href="/dashboard/jobs?status=failed">
						<span class="soft">
							{shownState("failed").word}, cancelled or expired
							{others === 0 ? "" : ` · ${percent(others, jobs)}`}
						</span>
						<span class="number-value">{whole(others)}</span>
					</a>
				</li>
			</ul>
		</section>
	);
}
