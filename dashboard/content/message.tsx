/** One message of a prompt or an answer: its texts, what it has beside texts, and its tool calls. */
import { Wrench } from "lucide";
import { bytes } from "../format/numbers.ts";
import { visible } from "../format/visible.ts";
import { Icon } from "../parts/icon.tsx";
import { JsonTree } from "./json-tree.tsx";
import { ForeignLink } from "./markdown.tsx";
import { Text, type View } from "./views.tsx";

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? { ...value } : {});
const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

interface MessageProps {
	message: unknown;
	view: View;
	/** "Answer", or the role of a prompt's message. */
	label: string;
}

export function Message({ message, view, label }: MessageProps) {
	const { content, refusal, tool_calls, function_call } = fieldsOf(message);
	const calls = [...listOf(tool_calls), ...(function_call ? [{ function: function_call }] : [])];
	const reason = textOf(refusal);
	return (
		<>
			{reason === null ? null : (
				<div class="refusal">
					<h3>The model refused</h3>
					<p>{visible(reason)}</p>
				</div>
			)}
			<Content content={content} view={view} label={label} />
			{calls.map((call, index) => (
				<ToolCall key={index} call={call} />
			))}
			{reason === null && calls.length === 0 && isEmpty(content) ? <p class="hint">This message has no text.</p> : null}
		</>
	);
}

const isEmpty = (content: unknown) =>
	content === null || content === undefined || content === "" || (Array.isArray(content) && content.length === 0);

function Content({ content, view, label }: { content: unknown; view: View; label: string }) {
	if (isEmpty(content)) return null;
	if (typeof content === "string") return <Text text={content} view={view} label={label} />;
	if (!Array.isArray(content)) return <JsonTree value={content} label={label} />;
	return (
		<>
			{content.map((part, index) => (
				<Part key={index} part={part} view={view} label={`${label}, part ${index + 1}`} />
			))}
		</>
	);
}

function Part({ part, view, label }: { part: unknown; view: View; label: string }) {
	const { type, text, refusal, image_url, input_audio, file } = fieldsOf(part);
	const shown = textOf(part) ?? textOf(text) ?? textOf(refusal);
	if (shown !== null) return <Text text={shown} view={view} label={label} />;
	if (type === "image_url")
		return <Attachment what="Image" source={textOf(image_url) ?? textOf(fieldsOf(image_url).url)} />;
	if (type === "input_audio") return <Attachment what="Audio" source={textOf(fieldsOf(input_audio).data)} />;
	if (type === "file") {
		const { filename, file_data } = fieldsOf(file);
		return <Attachment what={visible(textOf(filename) ?? "File")} source={textOf(file_data)} />;
	}
	return <JsonTree value={part} label={label} />;
}

/** It is never loaded: the writer of the prompt would learn who reads it. */
function Attachment({ what, source }: { what: string; source: string | null }) {
	if (source === null) return <p class="attachment">{what}</p>;
	if (/^https?:/i.test(source))
		return (
			<p class="attachment">
				<ForeignLink href={source}>{what}</ForeignLink>
			</p>
		);
	const data = /^data:([\w.+/-]{0,60})[^,]*,/.exec(source.slice(0, 200));
	const length = source.length - (data?.[0].length ?? 0);
	return (
		<p class="attachment">
			{what}
			{data?.[1] ? `, ${data[1]}` : ""}, {bytes(Math.floor((length * 3) / 4))}
		</p>
	);
}

function ToolCall({ call }: { call: unknown }) {
	const { id, function: called, custom } = fieldsOf(call);
	const { name, arguments: given, input } = fieldsOf(called ?? custom);
	const text = textOf(given) ?? textOf(input);
	return (
		<article class="tool-call">
			<h3>
				<Icon of={Wrench} size={14} /> {visible(textOf(name) ?? "Tool call")}
				{textOf(id) === null ? null : <code>{visible(textOf(id) ?? "")}</code>}
			</h3>
			{text === null ? (
				<JsonTree value={given ?? call} label="Arguments" />
			) : (
				<Text text={text} view="markdown" label="Arguments" />
			)}
		</article>
	);
}
