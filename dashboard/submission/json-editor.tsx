/** A draft as JSON. While the text is not valid, the draft stays as it last was, and the browser does not submit the form. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { Field } from "../parts/field.tsx";
import type { Draft } from "./submission.ts";

interface JsonEditorProps {
	value: Draft;
	onChange: (value: Draft) => void;
	area: RefObject<HTMLTextAreaElement | null>;
}

export function JsonEditor({ value, onChange, area }: JsonEditorProps) {
	const [text, setText] = useState(() => JSON.stringify(value, null, 2));
	const [error, setError] = useState<string | null>(null);
	useLayoutEffect(() => area.current?.setCustomValidity(error ?? ""), [error]);
	const edit = (next: string) => {
		setText(next);
		const parsed = parse(next);
		if (typeof parsed === "string") return setError(parsed);
		setError(null);
		onChange(parsed);
	};
	return (
		<Field label="Submission" error={error}>
			{(control) => (
				<textarea
					{...control}
					ref={area}
					class="json-editor mono"
					rows={Math.min(40, text.split("\n").length + 1)}
					spellcheck={false}
					value={text}
					onInput={(event) => edit(event.currentTarget.value)}
				/>
			)}
		</Field>
	);
}

/** The draft, or what is wrong with the text: in the words of the browser, which name the line and column where it knows them. */
function parse(text: string): Draft | string {
	try {
		const value: unknown = JSON.parse(text);
		const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
		return isObject ? { ...value } : "Must be a JSON object.";
	} catch (error) {
		return `Not valid JSON: ${error instanceof Error ? error.message : String(error)}`;
	}
}
