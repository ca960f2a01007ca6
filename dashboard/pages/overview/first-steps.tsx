/** For a tenant without a job: from nothing to a result, in three steps. */
import { Play } from "lucide";
import { can } from "../../app/session.ts";
import { ButtonLink } from "../../parts/button.tsx";
import { Code } from "../../parts/copy.tsx";

export function FirstSteps() {
	const { origin } = location;
	const submit = `curl ${origin}/v1/jobs \\
  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\
  -d '{"input": {"messages": [{"role": "user", "content": "What holds fast?"}]}}'`;
	const read = `curl ${origin}/v1/jobs/<id>/result -H "Authorization: Bearer $KEY"`;
	return (
		<section class="first-steps">
			<h2>Submit your first job</h2>
			<ol>
				<li>
					<p>Put your API key into the shell.</p>
					<Code text="export KEY=hf_…" label="Copy the first command" />
				</li>
				<li>
					<p>Submit a prompt. The response has the job's id, and the job appears on this page.</p>
					<Code text={submit} label="Copy the second command" />
				</li>
				<li>
					<p>Read the result, now or weeks later.</p>
					<Code text={read} label="Copy the third command" />
				</li>
			</ol>
			{can("jobs:write") ? (
				<p>
					<ButtonLink href="/dashboard/new" icon={Play} kind="primary">
						Submit one from here
					</ButtonLink>
				</p>
			) : null}
		</section>
	);
}
