/** A stored completion. */
import { words } from "../format/states.ts";
import { Badge } from "../parts/badge.tsx";
import { JsonTree } from "./json-tree.tsx";
import { Message } from "./message.tsx";
import { answerView, ViewSwitch } from "./views.tsx";

/** What a reason other than the usual ones means for the reader. */
const REASONS: Record<string, string> = {
	length: "cut off at the token limit",
	content_filter: "cut off by the provider's content filter",
};

export function Answer({ completion }: { completion: unknown }) {
	return (
		<div class="answer">
			<ViewSwitch view={answerView} label="Show the answer as" />
			{answerView.value === "json" ? (
				<JsonTree value={completion} label="Completion" />
			) : (
				choicesOf(completion).map((choice, index) => <Choice key={index} choice={choice} />)
			)}
		</div>
	);
}

interface ShownChoice {
	message: unknown;
	reason: string | null;
}

/** Completions come from many providers: a field that is missing is not shown. */
function choicesOf(completion: unknown): ShownChoice[] {
	const { choices } = Object(completion);
	if (!Array.isArray(choices)) return [];
	return choices.map((choice: unknown) => {
		const { message, finish_reason } = Object(choice);
		return { message, reason: typeof finish_reason === "string" ? finish_reason : null };
	});
}

function Choice({ choice: { message, reason } }: { choice: ShownChoice }) {
	const meaning = REASONS[reason ?? ""];
	return (
		<article class="choice">
			<Message message={message} view={answerView.value} label="Answer" />
			{reason === null ? null : (
				<p class="finish">
					{meaning === undefined ? (
						<>
							Finish reason: <code>{words(reason)}</code>
						</>
					) : (
						<Badge tone="warning">The answer was {meaning}</Badge>
					)}
				</p>
			)}
		</article>
	);
}
