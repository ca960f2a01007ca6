/** How many jobs are open, by state and reason, and how many have ended in 24 hours. Each number leads to its jobs. */
import type { Stats } from "../../../client/schemas.ts";
import { percent, whole } from "../../format/numbers.ts";
import { words } from "../../format/states.ts";
import { StateBadge } from "../../parts/badge.tsx";
import { Time } from "../../parts/time.tsx";
import { endedOf, isIdle } from "./ended.ts";

/** @param newest the state of the newest job: it may wait for later, and the sweeper has not counted it yet */
export function Numbers({ stats, newest }: { stats: Stats | undefined; newest: string | undefined }) {
	return (
		<div class="numbers" aria-busy={stats === undefined}>
			{stats === undefined ? <Placeholder /> : <Open stats={stats} newest={newest} />}
			{stats === undefined ? <Placeholder /> : <Ended stats={stats} />}
		</div>
	);
}

const Placeholder = () => <section class="number-box" />;

function Open({ stats, newest }: { stats: Stats; newest: string | undefined }) {
	const { open, due_later, pending_deliveries, sampled_at } = stats;
	return (
		<section class="number-box">
			<h2>Open</h2>
			{isIdle(stats, newest) ? <p class="soft">No job is running or waiting.</p> : null}
			<ul class="number-list">
				{open.map(({ status, status_reason, jobs }) => (
					<li key={`${status} ${status_reason}`}>
						<a
							href={`/dashboard/jobs?${new URLSearchParams({ status, ...(status_reason ? { reason: status_reason } : {}) })}`}
						>
							<StateBadge state={status} reason={status_reason === null ? null : words(status_reason)} />
							<Value count={jobs} />
						</a>
					</li>
				))}
				{due_later.value > 0 || due_later.or_more ? (
					<li>
						<a href="/dashboard/jobs?status=queued">
							<span>
								<StateBadge state="queued" reason="due later" /> <Sampled at={sampled_at} />
							</span>
							<Value count={due_later} />
						</a>
					</li>
				) : null}
				{pending_deliveries.value > 0 || pending_deliveries.or_more ? (
					<li>
						<a href="/dashboard/webhooks/deliveries?status=pending">
							<span>
								Webhook deliveries not settled <Sampled at={sampled_at} />
							</span>
							<Value count={pending_deliveries} />
						</a>
					</li>
				) : null}
			</ul>
		</section>
	);
}

function Value({ count: { value, or_more } }: { count: Stats["due_later"] }) {
	return (
		<span class="number-value">
			{whole(value)}
			{or_more ? "+" : ""}
		</span>
	);
}

/** These are counted once a minute. */
const Sampled = ({ at }: { at: string | null }) =>
	at === null ? null : (
		<span class="soft">
			<Time at={at} />
		</span>
	);

function Ended({ stats: { ended_24h } }: { stats: Stats }) {
	const { ended, unsuccessful } = endedOf(ended_24h);
	return (
		<section class="number-box">
			<h2>Ended in 24 hours</h2>
			<ul class="number-list">
				{(["succeeded", "failed", "expired", "cancelled"] as const).map((status) => (
					<li key={status}>
						<a href={`/dashboard/jobs?status=${status}`}>
							<StateBadge state={status} />
							<Value count={{ value: ended_24h[status], or_more: ended_24h.or_more }} />
						</a>
					</li>
				))}
			</ul>
			<p class="soft">
				{ended === 0
					? "No job has ended."
					: `Failure rate ${percent(unsuccessful, ended)}: failed or expired, of all that ended.`}
			</p>
		</section>
	);
}
