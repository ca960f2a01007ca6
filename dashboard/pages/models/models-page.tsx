/** The models that jobs name: whether calls may start, until when not, and how many jobs wait. */
import { Boxes } from "lucide";
import type { Model } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { now } from "../../data/clock.ts";
import { useResource } from "../../data/resource.ts";
import { shownModelState } from "../../format/model-states.ts";
import { counted, percent, whole } from "../../format/numbers.ts";
import { absoluteTime, duration } from "../../format/times.ts";
import { Badge } from "../../parts/badge.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import "./models.css";

const COLUMNS: Column<Model>[] = [
	{
		id: "model",
		label: "Model",
		cell: ({ id, owned_by }) => (
			<span class="model-name">
				<a href={`/dashboard/jobs?${new URLSearchParams({ model: id })}`}>{id}</a>
				<span class="soft one-line">served by {owned_by}</span>
			</span>
		),
		isTitle: true,
	},
	{ id: "state", label: "State", cell: (model) => <State model={model} /> },
	{
		id: "permits",
		label: "Calls that may start",
		cell: ({ permits }) => (permits === null ? "any number" : whole(permits)),
	},
	{ id: "waiting", label: "Jobs that wait", cell: (model) => <Waiting model={model} />, isNumber: true },
	{ id: "recent", label: "Your jobs of the last two hours", cell: ({ recent }) => <Recent jobs={recent} /> },
];

export default function ModelsPage() {
	const models = useResource("models", async (signal) => (await holdfast.models.list({ signal })).data, {
		pollMs: 5_000,
	});
	return (
		<>
			<PageHeader title="Models" />
			<ErrorBox error={models.error} onRetry={() => void models.refresh()} />
			{models.value?.length === 0 ? (
				<EmptyState icon={Boxes} title="No models yet">
					<p>A model is listed once the service has a route for its name, or a job has named it.</p>
				</EmptyState>
			) : (
				<Table
					caption="Models"
					columns={COLUMNS}
					rows={models.value ?? []}
					keyOf={({ id }) => id}
					isLoading={models.value === undefined}
				/>
			)}
		</>
	);
}

function State({ model: { state, until, trips } }: { model: Model }) {
	const { word, tone, says } = shownModelState(state);
	return (
		<span class="model-state">
			<Badge tone={tone}>{word}</Badge>
			<span class="soft">
				{says} {until === null ? null : <Until at={until} />}
				{trips > 1 ? ` Stopped ${counted(trips, "time")} in a row.` : ""}
			</span>
		</span>
	);
}

function Until({ at }: { at: string }) {
	const leftMs = Date.parse(at) - now.value;
	return (
		<time dateTime={at} title={absoluteTime(Date.parse(at), "local")}>
			{leftMs > 0 ? `Calls start again in ${duration(leftMs)}.` : "Calls start again."}
		</time>
	);
}

function Recent({ jobs }: { jobs: Model["recent"] }) {
	if (jobs === null) return <span class="none">none ended</span>;
	const { p50, p95, failure_rate } = jobs;
	return (
		<span class="model-recent">
			<span>{counted(jobs.jobs, "job")}</span>
			<span>{percent(failure_rate, 1)} failed</span>
			{p50 === null || p95 === null ? null : (
				<span title="From the first start to the end: half of the jobs took less than the first time, 95% less than the second">
					p50 {duration(p50 * 1_000)}, p95 {duration(p95 * 1_000)}
				</span>
			)}
		</span>
	);
}

function Waiting({ model: { id, parked_jobs } }: { model: Model }) {
	if (parked_jobs.value === 0) return <span class="none">0</span>;
	return (
		<a href={`/dashboard/jobs?${new URLSearchParams({ status: "queued", model: id })}`}>
			{whole(parked_jobs.value)}
			{parked_jobs.or_more ? "+" : ""}
		</a>
	);
}
