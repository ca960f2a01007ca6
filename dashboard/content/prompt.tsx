/** A job's input: its messages by role, its tools and its parameters. */
import { counted } from "../format/numbers.ts";
import { visible } from "../format/visible.ts";
import { JsonTree } from "./json-tree.tsx";
import { Message } from "./message.tsx";
import { promptView, ViewSwitch } from "./views.tsx";

/** All of a conversation with thousands of turns would take seconds to show. */
const MESSAGES_SHOWN = 100;

export function Prompt({ input }: { input: unknown }) {
	const { messages, tools, ...parameters } = { ...Object(input) };
	const all: unknown[] = Array.isArray(messages) ? messages : [];
	const first = Math.max(0, all.length - MESSAGES_SHOWN);
	if (promptView.value === "json")
		return (
			<div class="prompt">
				<ViewSwitch view={promptView} label="Show the prompt as" />
				<JsonTree value={input} label="Prompt" />
			</div>
		);
	return (
		<div class="prompt">
			<ViewSwitch view={promptView} label="Show the prompt as" />
			{first === 0 ? null : (
				<p class="hint">
					The last {MESSAGES_SHOWN} of {counted(all.length, "message")}. Choose JSON to see all.
				</p>
			)}
			{all.slice(first).map((message, index) => (
				<PromptMessage key={first + index} message={message} />
			))}
			<Folded name="tool" value={tools} count={Array.isArray(tools) ? tools.length : 0} />
			<Folded name="parameter" value={parameters} count={Object.keys(parameters).length} />
		</div>
	);
}

function PromptMessage({ message }: { message: unknown }) {
	const { role, name, tool_call_id } = Object(message);
	const shown = [role, name, tool_call_id].filter((one) => typeof one === "string").map((one) => visible(String(one)));
	return (
		<article class={`message ${role === "assistant" ? "assistant" : ""}`}>
			<h3>{shown.join(" · ")}</h3>
			<Message message={message} view={promptView.value} label={`Message of ${shown[0] ?? "an unknown role"}`} />
		</article>
	);
}

function Folded({ name, value, count }: { name: string; value: unknown; count: number }) {
	if (count === 0) return null;
	return (
		<details class="folded">
			<summary>{counted(count, name)}</summary>
			<JsonTree value={value} label={`${name}s`} />
		</details>
	);
}
