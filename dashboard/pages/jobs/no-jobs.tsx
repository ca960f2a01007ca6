/** Where the list has no row: how to submit the first job, or how to see others. */
import { Inbox, SearchX } from "lucide";
import { ButtonLink } from "../../parts/button.tsx";
import { Code } from "../../parts/copy.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { addressOf, type Filters } from "./filters.ts";

const ALL = { status: null, reason: null, model: null, metadata: {} };

export function NoJobs({ filters }: { filters: Filters }) {
	if (addressOf(filters) === addressOf(ALL)) return <FirstJob />;
	return (
		<EmptyState icon={SearchX} title="No jobs match">
			<p>Jobs are listed until their retention ends. Change the filter, or show all jobs.</p>
			<ButtonLink href={addressOf(ALL)}>Show all jobs</ButtonLink>
		</EmptyState>
	);
}

/** Instead of the list, where the address asks for what is no filter. */
export function WrongAddress({ wrong, filters }: { wrong: string[]; filters: Filters }) {
	return (
		<EmptyState icon={SearchX} title="This address does not name a list">
			{wrong.map((one) => (
				<p key={one}>{one}</p>
			))}
			<ButtonLink href={addressOf(filters)}>Show the list without it</ButtonLink>
		</EmptyState>
	);
}

function FirstJob() {
	const command = [
		`curl ${location.origin}/v1/jobs \\`,
		"  -H 'Content-Type: application/json' \\",
		"  -H 'Authorization: Bearer YOUR_API_KEY' \\",
		`  -d '{"input":{"messages":[{"role":"user","content":"What holds fast?"}]}}'`,
	].join("\n");
	return (
		<EmptyState icon={Inbox} title="No jobs yet">
			<p>Submit the first one. It appears here within seconds.</p>
			<Code text={command} label="Copy the command" />
		</EmptyState>
	);
}
