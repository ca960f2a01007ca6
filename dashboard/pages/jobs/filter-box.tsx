/** The line in which the list is narrowed. Enter applies it. */
import { Search } from "lucide";
import { useEffect, useId, useState } from "preact/hooks";
import type { Job } from "../../../client/schemas.ts";
import { Icon } from "../../parts/icon.tsx";
import { type Filters, parsed, STATES, textOf } from "./filters.ts";

interface FilterBoxProps {
	filters: Filters;
	/** What they have is suggested. */
	rows: Job[];
	onFilter(filters: Filters): void;
	onOpen(id: string): void;
}

export const FILTER_BOX = "filter";

export function FilterBox({ filters, rows, onFilter, onOpen }: FilterBoxProps) {
	const shown = textOf(filters);
	const [text, setText] = useState(shown);
	const [problem, setProblem] = useState<string | null>(null);
	const id = useId();
	useEffect(() => setText(shown), [shown]);
	const apply = (event: Event) => {
		event.preventDefault();
		const result = parsed(text, filters.status);
		setProblem(result.is === "wrong" ? result.why : null);
		if (result.is === "job") onOpen(result.id);
		if (result.is === "filters") onFilter(result.filters);
	};
	return (
		<form class="filter" onSubmit={apply}>
			<label for={FILTER_BOX} class="unseen">
				Filter
			</label>
			<Icon of={Search} />
			<input
				id={FILTER_BOX}
				type="search"
				list={`${id}-list`}
				autoComplete="off"
				spellcheck={false}
				placeholder="model:openai/gpt-5.5 user:42 or job_…"
				aria-describedby={`${id}-problem`}
				aria-invalid={problem !== null}
				value={text}
				onInput={(event) => setText(event.currentTarget.value)}
				onSearch={(event: Event) => {
					if (event.currentTarget instanceof HTMLInputElement && event.currentTarget.value === "") apply(event);
				}}
			/>
			<datalist id={`${id}-list`}>
				{suggestions(rows).map((one) => (
					<option key={one} value={one} />
				))}
			</datalist>
			<p id={`${id}-problem`} class="hint wrong" role="alert">
				{problem}
			</p>
		</form>
	);
}

function suggestions(rows: Job[]): string[] {
	const seen = rows.flatMap((job) => [
		`model:${job.model}`,
		...Object.entries(job.metadata).map(([key, value]) => `${key}:${value}`),
	]);
	return [...new Set([...STATES.map((state) => `status:${state}`), ...seen])].slice(0, 40);
}
