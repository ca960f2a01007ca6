/** How the tenant's jobs fare: what is wrong, what is open, what failed last. */
import { Plus } from "lucide";
import { holdfast } from "../../app/client.ts";
import { can } from "../../app/session.ts";
import { now } from "../../data/clock.ts";
import { useResource } from "../../data/resource.ts";
import { Badge } from "../../parts/badge.tsx";
import { ButtonLink } from "../../parts/button.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { Time } from "../../parts/time.tsx";
import { Depth, useSamples } from "./depth.tsx";
import { Failures } from "./failures.tsx";
import { FirstSteps } from "./first-steps.tsx";
import { type Problem, problemsOf } from "./health.ts";
import { Numbers } from "./numbers.tsx";
import "./overview.css";

const POLL = { pollMs: 5_000 };
const SLOW_POLL = { pollMs: 30_000 };

export default function OverviewPage() {
	const stats = useResource("stats", (signal) => holdfast.stats({ signal }), POLL);
	const models = useResource("models", async (signal) => (await holdfast.models.list({ signal })).data, POLL);
	const endpoints = useResource(
		can("webhooks:read") ? "endpoints of the overview" : null,
		async (signal) => (await holdfast.endpoints.list({ limit: 100 }, { signal })).data,
		SLOW_POLL,
	);
	const failed = useResource(
		"last failures",
		async (signal) => (await holdfast.jobs.list({ status: ["failed", "expired"], limit: 10 }, { signal })).data,
		SLOW_POLL,
	);
	const newest = useResource(
		"newest job",
		async (signal) => (await holdfast.jobs.list({ limit: 1 }, { signal })).data,
		POLL,
	);
	const samples = useSamples();
	const parts = [stats, samples, models, endpoints, failed, newest];
	const broken = parts.find(({ error }) => error !== undefined);
	const read = [stats, models, ...(can("webhooks:read") ? [endpoints] : [])];
	const isKnown = read.every(({ value, error }) => value !== undefined && error === undefined);
	const problems = problemsOf({ models: models.value, endpoints: endpoints.value, stats: stats.value }, now.value);
	return (
		<>
			<PageHeader title="Overview">
				{can("jobs:write") ? (
					<ButtonLink href="/dashboard/new" icon={Plus} kind="primary">
						New job
					</ButtonLink>
				) : null}
			</PageHeader>
			<ErrorBox error={broken?.error} onRetry={() => void broken?.refresh()} />
			<HealthLine problems={problems} isKnown={isKnown} />
			{newest.value?.length === 0 ? (
				<FirstSteps />
			) : (
				<>
					<Numbers stats={stats.value} newest={newest.value?.[0]?.status} />
					{samples.value === undefined ? null : <Depth samples={samples.value} now={now.value} />}
					<h2 class="part-title">Last failures</h2>
					<Failures jobs={failed.value} />
				</>
			)}
		</>
	);
}

function HealthLine({ problems, isKnown }: { problems: Problem[]; isKnown: boolean }) {
	if (problems.length === 0)
		return (
			<p class="health-line">
				{isKnown ? <Badge tone="good">All is well</Badge> : <Badge tone="idle">Looking…</Badge>}
			</p>
		);
	return (
		<ul class="health-line">
			{problems.map(({ tone, text, until, href }) => (
				<li key={text}>
					<a href={href}>
						<Badge tone={tone}>{text}</Badge>
					</a>
					{until === null ? null : (
						<span class="soft">
							Calls start again <Time at={until} />
						</span>
					)}
				</li>
			))}
		</ul>
	);
}
