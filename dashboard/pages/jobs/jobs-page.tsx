/** The jobs of the tenant, newest first. */
import { useLocation } from "preact-iso";
import type { Job } from "../../../client/schemas.ts";
import { holdfast } from "../../app/client.ts";
import { useResource } from "../../data/resource.ts";
import { StateBadge } from "../../parts/badge.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Time } from "../../parts/time.tsx";

const COLUMNS: Column<Job>[] = [
	{ id: "state", label: "State", cell: (job) => <StateBadge state={job.status} />, isTitle: true },
	{ id: "id", label: "Job", cell: (job) => <a href={`/dashboard/jobs/${job.id}`}>{job.id}</a> },
	{ id: "model", label: "Model", cell: (job) => job.model },
	{ id: "age", label: "Created", cell: (job) => <Time at={job.created_at} />, isNumber: true },
];

export default function JobsPage() {
	const { url } = useLocation();
	const jobs = useResource(`jobs ${url}`, async (signal) => await holdfast.jobs.list({ limit: 100 }, { signal }), {
		pollMs: 3_000,
	});
	return (
		<>
			<PageHeader title="Jobs" />
			<ErrorBox error={jobs.error} onRetry={() => void jobs.refresh()} />
			<Table
				caption="Jobs"
				columns={COLUMNS}
				rows={jobs.value?.data ?? []}
				keyOf={(job) => job.id}
				isLoading={jobs.value === undefined}
			/>
		</>
	);
}
