/** How a text is shown: as markdown, as it is, or as JSON. The choice is kept, one for answers and one for prompts. */
import type { Signal } from "@preact/signals";
import { setting } from "../data/settings.ts";
import { JsonTree } from "./json-tree.tsx";
import { Markdown } from "./markdown.tsx";
import { whyPlain } from "./markdown-source.ts";
import { PlainText } from "./plain-text.tsx";

export type View = "markdown" | "raw" | "json";

const isView = (value: unknown): value is View => value === "markdown" || value === "raw" || value === "json";

export const answerView = setting<View>("answer-view", "markdown", isView);
/** Markdown joins the lines of a prompt. */
export const promptView = setting<View>("prompt-view", "raw", isView);

const LABELS: Record<View, string> = { markdown: "Markdown", raw: "Raw text", json: "JSON" };

export function ViewSwitch({ view, label }: { view: Signal<View>; label: string }) {
	return (
		<fieldset class="view-switch">
			<legend class="unseen">{label}</legend>
			{(["markdown", "raw", "json"] as const).map((one) => (
				<button key={one} type="button" aria-pressed={view.value === one} onClick={() => (view.value = one)}>
					{LABELS[one]}
				</button>
			))}
		</fieldset>
	);
}

/** A text of an answer or a prompt. JSON in it is a tree where markdown would be shown. */
export function Text({ text, view, label }: { text: string; view: View; label: string }) {
	if (view !== "markdown") return <PlainText text={text} label={label} />;
	const json = asJson(text);
	if (json !== null) return <JsonTree value={json} label={label} />;
	const why = whyPlain(text);
	if (why === null) return <Markdown text={text} />;
	return (
		<>
			<p class="hint">
				{why === "long" ? "Over 150,000 characters" : "Nested over 100 levels deep"}: shown as plain text.
			</p>
			<PlainText text={text} label={label} />
		</>
	);
}

const JSON_CHARACTERS_MAX = 2_000_000;

/** Null: it is not an object or a list. */
function asJson(text: string): object | null {
	if (text.length > JSON_CHARACTERS_MAX || !/^\s*[{[]/.test(text)) return null;
	try {
		return JSON.parse(text);
	} catch {
		return null;
	}
}
