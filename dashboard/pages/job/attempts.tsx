/** Each model call of a job: what it came to, and what the provider said. */
import { ListOrdered } from "lucide";
import type { Attempt, Job } from "../../../client/index.ts";
import { whole } from "../../format/numbers.ts";
import { words } from "../../format/states.ts";
import { duration } from "../../format/times.ts";
import { visible } from "../../format/visible.ts";
import { Badge } from "../../parts/badge.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";

const took = ({ started_at, ended_at }: Attempt) => duration(Date.parse(ended_at) - Date.parse(started_at));

const COLUMNS: Column<Attempt>[] = [
	{ id: "number", label: "Attempt", isTitle: true, cell: ({ number }) => `Attempt ${number}` },
	{
		id: "outcome",
		label: "Outcome",
		cell: ({ outcome }) => (
			<Badge tone={outcome === "succeeded" ? "good" : outcome === "throttled" ? "warning" : "bad"}>
				{words(outcome)}
			</Badge>
		),
	},
	{
		id: "model",
		label: "Model",
		cell: ({ model, provider }) => `${visible(model)}${provider === null ? "" : ` at ${provider}`}`,
	},
	{ id: "status", label: "HTTP", cell: ({ status }) => status ?? "–" },
	{ id: "started", label: "Started", cell: ({ started_at }) => <Time at={started_at} /> },
	{ id: "took", label: "Took", isNumber: true, cell: took },
	{
		id: "tokens",
		label: "Tokens",
		isNumber: true,
		cell: ({ usage }) => (usage === null ? "–" : whole(usage.total_tokens)),
	},
	{ id: "counted", label: "Counted", cell: ({ counted }) => (counted ? "yes" : "no") },
	{ id: "said", label: "Said", cell: (attempt) => <Said attempt={attempt} /> },
];

export function Attempts({ job: { attempts = [] } }: { job: Job }) {
	if (attempts.length === 0)
		return (
			<EmptyState icon={ListOrdered} title="No finished attempt yet">
				<p>Each call of a model is listed here once it ends.</p>
			</EmptyState>
		);
	return <Table caption="Model calls" columns={COLUMNS} rows={attempts} keyOf={({ number }) => String(number)} />;
}

function Said({ attempt: { code, provider_code, message, excerpt, retry_after_ms, log_id } }: { attempt: Attempt }) {
	const facts = [
		code === null ? null : words(code),
		provider_code === null || provider_code === code ? null : `provider's code ${provider_code}`,
		retry_after_ms === null ? null : `asked to wait ${duration(retry_after_ms)}`,
		log_id === null ? null : `gateway log ${log_id}`,
	].filter((fact) => fact !== null);
	if (facts.length === 0 && message === null) return <span class="none">–</span>;
	return (
		<div class="what-was-said">
			<p>{facts.map(visible).join(", ")}</p>
			{message === null ? null : <p>{visible(message)}</p>}
			{excerpt === null ? null : (
				<details class="folded">
					<summary>Response</summary>
					<pre>{visible(excerpt)}</pre>
				</details>
			)}
		</div>
	);
}
