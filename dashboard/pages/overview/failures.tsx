/** The last jobs that failed, grouped by what went wrong. */
import type { Job } from "../../../client/schemas.ts";
import { counted } from "../../format/numbers.ts";
import { words } from "../../format/states.ts";
import { visible } from "../../format/visible.ts";
import { Badge } from "../../parts/badge.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";
import { type FailureGroup, groupFailures } from "./failure-groups.ts";

const COLUMNS: Column<FailureGroup>[] = [
	{
		id: "code",
		label: "Error",
		cell: ({ code, jobs }) => (
			<span class="failure">
				<Badge tone="bad">{words(code)}</Badge>
				<span class="soft cut">{visible(jobs[0]?.error?.message ?? "")}</span>
			</span>
		),
		isTitle: true,
	},
	{ id: "count", label: "Of the last 10", cell: ({ jobs }) => counted(jobs.length, "job") },
	{
		id: "last",
		label: "Last",
		cell: ({ jobs: [job] }) => (job === undefined ? null : <a href={`/dashboard/jobs/${job.id}`}>{job.id}</a>),
	},
	{ id: "at", label: "When", cell: ({ jobs: [job] }) => <Time at={job?.finished_at} />, isNumber: true },
];

export function Failures({ jobs }: { jobs: Job[] | undefined }) {
	if (jobs?.length === 0) return <p class="soft">No job has failed.</p>;
	return (
		<Table
			caption="Last failures by error"
			columns={COLUMNS}
			rows={groupFailures(jobs ?? [])}
			keyOf={({ code }) => code}
			isLoading={jobs === undefined}
		/>
	);
}
