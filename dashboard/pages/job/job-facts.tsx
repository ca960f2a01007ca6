/** What a job was submitted with and what it came to, at a glance. */
import type { Job } from "../../../client/index.ts";
import { holdfast } from "../../app/client.ts";
import { now } from "../../data/clock.ts";
import { useResource } from "../../data/resource.ts";
import { bytes, whole } from "../../format/numbers.ts";
import { duration } from "../../format/times.ts";
import { visible } from "../../format/visible.ts";
import { Fact } from "../../parts/fact.tsx";
import { Time } from "../../parts/time.tsx";

const RETRIES_SHOWN = 5;

export function JobFacts({ job }: { job: Job }) {
	const { usage, metadata, retry_of } = job;
	const ended = job.finished_at === null ? now.value : Date.parse(job.finished_at);
	return (
		<dl class="job-facts">
			<Fact label={job.models.length > 1 ? "Models, in order" : "Model"}>{job.models.map(visible).join(", ")}</Fact>
			<Fact label="Created">
				<Time at={job.created_at} />
			</Fact>
			<Fact label="Took">{duration(ended - Date.parse(job.created_at))}</Fact>
			<Fact label="Attempts">
				{job.attempt} of {job.max_attempts}
			</Fact>
			{usage === null ? null : (
				<Fact label="Tokens">
					{whole(usage.prompt_tokens)} in, {whole(usage.completion_tokens)} out
				</Fact>
			)}
			<Fact label="Prompt">{bytes(job.input_bytes)}</Fact>
			{job.result_bytes === null ? null : <Fact label="Answer">{bytes(job.result_bytes)}</Fact>}
			{job.finished_at === null ? (
				<Fact label="Deadline">
					<Time at={job.deadline_at} />
				</Fact>
			) : null}
			{retry_of === null ? null : (
				<Fact label="Retry of">
					<JobLink id={retry_of} />
				</Fact>
			)}
			<Retries id={job.id} />
			{Object.entries(metadata).map(([key, value]) => (
				<Fact key={key} label={visible(key)}>
					<a href={`/dashboard/jobs?metadata[${encodeURIComponent(key)}]=${encodeURIComponent(value ?? "")}`}>
						{visible(value ?? "")}
					</a>
				</Fact>
			))}
		</dl>
	);
}

/** The jobs that retry this one. */
function Retries({ id }: { id: string }) {
	const { value = [] } = useResource(`retries of ${id}`, async (signal) => {
		return (await holdfast.jobs.list({ retryOf: id, order: "asc", limit: RETRIES_SHOWN }, { signal })).data;
	});
	if (value.length === 0) return null;
	return (
		<Fact label="Retried as">
			{value.map((job) => (
				<JobLink key={job.id} id={job.id} />
			))}
		</Fact>
	);
}

/** Ids of jobs differ in their last characters. */
export function JobLink({ id }: { id: string }) {
	return (
		<a class="mono" href={`/dashboard/jobs/${encodeURIComponent(id)}`} title={id}>
			…{id.slice(-8)}
		</a>
	);
}
