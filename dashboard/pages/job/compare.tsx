/** A retry beside the job that it retries: what was changed, and both answers. */

import type { Job } from "../../../client/index.ts";
import { NotFound } from "../../../client/index.ts";
import { holdfast } from "../../app/client.ts";
import { now } from "../../data/clock.ts";
import { useResource } from "../../data/resource.ts";
import { whole } from "../../format/numbers.ts";
import { words } from "../../format/states.ts";
import { duration } from "../../format/times.ts";
import { StateBadge } from "../../parts/badge.tsx";
import { ErrorBox } from "../../parts/error-box.tsx";
import { changedFields, submissionOf } from "../../submission/submission.ts";
import { JobAnswer } from "./job-answer.tsx";
import { JobLink } from "./job-facts.tsx";

/** Inputs up to this size are compared field by field. */
const COMPARED_BYTES_MAX = 256 * 1024;

export function Compare({ job }: { job: Job }) {
	const before = job.retry_of ?? "";
	const {
		value: old,
		error,
		refresh,
	} = useResource(`summary of ${before}`, (signal) => holdfast.jobs.get(before, { signal }));
	if (error instanceof NotFound) return <p class="hint">The job that this one retries has been deleted.</p>;
	if (error !== undefined) return <ErrorBox error={error} onRetry={() => void refresh()} />;
	if (old === undefined) return <p class="hint">Loading…</p>;
	return (
		<>
			<Changes before={old} after={job} />
			<div class="compare">
				<Side title="Before" job={old} />
				<Side title="Retry" job={job} />
			</div>
		</>
	);
}

function Changes({ before, after }: { before: Job; after: Job }) {
	const isLarge = Math.max(before.input_bytes, after.input_bytes) > COMPARED_BYTES_MAX;
	const { value, error, refresh } = useResource(`changes ${before.id} ${after.id}`, async (signal) => {
		const inputOf = (job: Job) => (isLarge ? undefined : holdfast.jobs.input(job.id, { signal }));
		const [old, next] = await Promise.all([inputOf(before), inputOf(after)]);
		return changedFields(submissionOf(before, old), submissionOf(after, next));
	});
	if (error !== undefined) return <ErrorBox error={error} onRetry={() => void refresh()} />;
	if (value === undefined) return <p class="hint">Comparing…</p>;
	return (
		<p class="hint">
			{value.length === 0
				? `Nothing ${isLarge ? "but perhaps the prompt " : ""}was changed.`
				: `Changed: ${value.map(words).join(", ")}.`}
			{isLarge ? " The prompts are too large to compare." : ""}
		</p>
	);
}

function Side({ title, job }: { title: string; job: Job }) {
	const end = job.finished_at === null ? now.value : Date.parse(job.finished_at);
	return (
		<section class="side-by-side">
			<header>
				<h2>{title}</h2>
				<StateBadge state={job.status} />
				<JobLink id={job.id} />
			</header>
			<p class="hint">
				{job.model}, {duration(end - Date.parse(job.created_at))}
				{job.usage === null ? "" : `, ${whole(job.usage.total_tokens)} tokens`}
			</p>
			<JobAnswer job={job} />
		</section>
	);
}
