/** One job: where it is and why, what happened on one time axis, its answer, its prompt and its webhooks. */
import { Briefcase } from "lucide";
import { useEffect, useState } from "preact/hooks";
import { useLocation } from "preact-iso";
import { type Job, NotFound } from "../../../client/index.ts";
import { say } from "../../app/live-region.tsx";
import { shownState } from "../../format/states.ts";
import { StateBadge } from "../../parts/badge.tsx";
import { Copy } from "../../parts/copy.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { PageHeader } from "../../parts/page-header.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { reasonOf } from "../../submission/reason.ts";
import { isLive } from "../../timeline/rows.ts";
import { JobActions } from "./job-actions.tsx";
import { JobFacts } from "./job-facts.tsx";
import { JobTab } from "./job-tabs.tsx";
import { clockTime, Timeline } from "./timeline.tsx";
import { useJob, useNow } from "./use-job.ts";
import "../../content/content.css";
import "./job.css";

export default function JobPage({ id }: { id: string }) {
	const { value: job, error, refresh } = useJob(id);
	const [isWhole, setWhole] = useState(false);
	const status = job?.status;
	const now = useNow(job !== undefined && isLive(job));
	useEffect(() => {
		if (status !== undefined) say(`The job is ${shownState(status).word.toLowerCase()}.`);
	}, [status]);
	return (
		<div class="job-page">
			<PageHeader
				title={`Job ${id}`}
				above={<a href="/dashboard/jobs">Jobs</a>}
				shown={
					<span class="job-title">
						{job === undefined ? null : <StateBadge state={job.status} />}
						<span class="mono">{id}</span>
						<Copy text={id} label="Copy job id" />
					</span>
				}
			>
				{job === undefined ? null : <JobActions job={job} onChanged={refresh} />}
			</PageHeader>
			{error instanceof NotFound ? (
				<EmptyState icon={Briefcase} title="No such job">
					<p>It may have been deleted, or its retention has ended. It may also belong to another tenant.</p>
				</EmptyState>
			) : (
				<ErrorBox error={error} onRetry={() => void refresh()} />
			)}
			{job === undefined ? null : (
				<>
					<p class="reason">{reasonOf(job, now, clockTime)}</p>
					<Timeline job={job} now={now} isWhole={isWhole} onWhole={() => setWhole(true)} />
					<JobFacts job={job} />
					<Sections job={job} onChanged={refresh} />
				</>
			)}
		</div>
	);
}

function Sections({ job, onChanged }: { job: Job; onChanged: () => Promise<void> }) {
	const { query } = useLocation();
	const { attempts = [], deliveries = [] } = job;
	const names = [
		["answer", "Answer"],
		...(job.retry_of === null ? [] : [["compare", "Compare"]]),
		["prompt", "Prompt"],
		["attempts", "Attempts", String(attempts.length)],
		["webhooks", "Webhooks", String(deliveries.length)],
		["raw", "Raw"],
	] as const;
	const current = names.find(([name]) => name === query.tab)?.[0] ?? "answer";
	const tabs = names.map(([name = "", label = "", count]) => ({
		href: `/dashboard/jobs/${encodeURIComponent(job.id)}?tab=${name}`,
		label,
		count: count === undefined || count === "0" ? undefined : count,
		isCurrent: name === current,
	}));
	return (
		<>
			<Tabs label="Parts of the job" tabs={tabs} />
			<h2 class="unseen">{tabs.find(({ isCurrent }) => isCurrent)?.label}</h2>
			<JobTab name={current} job={job} onChanged={onChanged} />
		</>
	);
}
