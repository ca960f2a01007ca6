/** The answer of a job, or why it has none. */
import { Hourglass } from "lucide";
import type { Job } from "../../../client/index.ts";
import { Answer } from "../../content/answer.tsx";
import { Stored } from "../../content/stored.tsx";
import { visible } from "../../format/visible.ts";
import { EmptyState } from "../../parts/empty-state.tsx";

export function JobAnswer({ job }: { job: Job }) {
	if (job.result_bytes !== null && job.status === "succeeded")
		return (
			<Stored id={job.id} what="result" size={job.result_bytes}>
				{(completion) => <Answer completion={completion} />}
			</Stored>
		);
	if (job.finished_at === null)
		return (
			<EmptyState icon={Hourglass} title="No answer yet">
				<p>It appears here by itself.</p>
			</EmptyState>
		);
	return (
		<EmptyState icon={Hourglass} title="This job has no answer">
			<p>{visible(job.error?.message ?? "It ended before a model answered.")}</p>
		</EmptyState>
	);
}
