/** The parts of a job that are read when they are looked at. */
import { Webhook } from "lucide";
import type { Job } from "../../../client/index.ts";
import { can } from "../../app/session.ts";
import { JsonTree } from "../../content/json-tree.tsx";
import { Prompt } from "../../content/prompt.tsx";
import { Stored } from "../../content/stored.tsx";
import { Copy } from "../../parts/copy.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Attempts } from "./attempts.tsx";
import { Compare } from "./compare.tsx";
import { JobAnswer } from "./job-answer.tsx";
import { JobDeliveries } from "./job-deliveries.tsx";

export function JobTab({ name, job, onChanged }: { name: string; job: Job; onChanged: () => Promise<void> }) {
	switch (name) {
		case "compare":
			return <Compare job={job} />;
		case "prompt":
			return (
				<Stored id={job.id} what="input" size={job.input_bytes}>
					{(input) => <Prompt input={input} />}
				</Stored>
			);
		case "attempts":
			return <Attempts job={job} />;
		case "webhooks":
			return can("webhooks:read") ? (
				<JobDeliveries job={job} onChanged={onChanged} />
			) : (
				<EmptyState icon={Webhook} title="This key may not see webhooks">
					<p>
						It lacks the scope <code>webhooks:read</code>.
					</p>
				</EmptyState>
			);
		case "raw":
			return (
				<>
					<p>
						<Copy text={JSON.stringify(job, null, 2)} label="Copy JSON" isNamed />
					</p>
					<JsonTree value={job} label="The job as the API returns it" />
				</>
			);
		default:
			return <JobAnswer job={job} />;
	}
}
