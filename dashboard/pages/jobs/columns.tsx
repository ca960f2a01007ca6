/** The columns of the list. Which ones are shown is kept in this browser. */
import { Columns3 } from "lucide";
import type { Job } from "../../../client/schemas.ts";
import { now } from "../../data/clock.ts";
import { setting } from "../../data/settings.ts";
import { compact } from "../../format/numbers.ts";
import { words } from "../../format/states.ts";
import { duration } from "../../format/times.ts";
import { visible } from "../../format/visible.ts";
import { StateBadge } from "../../parts/badge.tsx";
import { Icon } from "../../parts/icon.tsx";
import type { Column } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { addressOf } from "./filters.ts";

const ID: Column<Job> = {
	id: "id",
	label: "Job",
	cell: ({ id }) => (
		<a href={`/dashboard/jobs/${id}`} class="job-id" title={id}>
			{id.length > 20 ? `${id.slice(0, 8)}…${id.slice(-6)}` : id}
		</a>
	),
};

const CHOSEN: Column<Job>[] = [
	{ id: "model", label: "Model", cell: ({ model }) => model },
	{ id: "created", label: "Created", cell: ({ created_at }) => <Time at={created_at} />, isNumber: true },
	{ id: "duration", label: "Duration", cell: (job) => <Duration job={job} />, isNumber: true },
	{
		id: "attempt",
		label: "Attempts",
		cell: ({ attempt, max_attempts }) => `${attempt}/${max_attempts}`,
		isNumber: true,
	},
	{
		id: "tokens",
		label: "Tokens",
		cell: ({ usage }) => (usage === null ? "–" : compact(usage.total_tokens)),
		isNumber: true,
	},
	{ id: "metadata", label: "Metadata", cell: ({ metadata }) => <Metadata metadata={metadata} /> },
	{ id: "priority", label: "Priority", cell: ({ priority }) => priority, isNumber: true },
];

const STATE: Column<Job> = {
	id: "state",
	label: "State",
	cell: ({ status, status_reason }) => (
		<StateBadge state={status} reason={status_reason === null ? null : words(status_reason)} />
	),
	isTitle: true,
};

const areNames = (value: unknown): value is string[] =>
	Array.isArray(value) && value.every((one) => typeof one === "string");

const chosen = setting("jobs.columns", ["model", "created", "duration", "attempt", "tokens", "metadata"], areNames);

export const shownColumns = (): Column<Job>[] => [STATE, ID, ...CHOSEN.filter(({ id }) => chosen.value.includes(id))];

export function ColumnPicker() {
	const toggle = (id: string) => {
		chosen.value = chosen.value.includes(id) ? chosen.value.filter((one) => one !== id) : [...chosen.value, id];
	};
	return (
		<details class="column-picker">
			<summary class="button">
				<Icon of={Columns3} />
				Columns
			</summary>
			<div>
				{CHOSEN.map(({ id, label }) => (
					<label key={id} class="option">
						<input type="checkbox" checked={chosen.value.includes(id)} onChange={() => toggle(id)} />
						{label}
					</label>
				))}
			</div>
		</details>
	);
}

/** From the first call to the end, or until now. */
function Duration({ job: { started_at, finished_at } }: { job: Job }) {
	if (started_at === null) return <span class="none">–</span>;
	const end = finished_at === null ? now.value : Date.parse(finished_at);
	return <>{duration(end - Date.parse(started_at))}</>;
}

function Metadata({ metadata }: { metadata: Job["metadata"] }) {
	const pairs = Object.entries(metadata);
	// The label of a cell without content is not shown.
	if (pairs.length === 0) return null;
	return (
		<span class="chips">
			{pairs.map(([key, value = ""]) => (
				<a
					key={key}
					class="chip"
					title={visible(`Show jobs with ${key}: ${value}`)}
					href={addressOf({ status: null, reason: null, model: null, metadata: { [key]: value } })}
				>
					{visible(`${key}: ${value}`)}
				</a>
			))}
		</span>
	);
}
