/** The content of an item as parts of a chat message. */
import { type Json, type JsonObject, listOf, objectOf, stringOf } from "../json/json.ts";
import type { RequestCheck } from "./request-check.ts";

/** What an assistant said. */
export interface Said {
	texts: string[];
	refusals: string[];
}

const TEXTS: ReadonlySet<Json | undefined> = new Set(["input_text", "output_text", "text"]);

/** A lone text is a string: not every server takes parts. */
export function chatContent(content: Json | undefined, param: string, check: RequestCheck): string | JsonObject[] {
	if (typeof content === "string") return content;
	const parts = partsOf(content, param, check).flatMap(([part, path]) => chatPart(part, path, check));
	const [first] = parts;
	return parts.length === 1 && first?.type === "text" ? (stringOf(first.text) ?? "") : parts;
}

export function saidIn(content: Json | undefined, param: string, check: RequestCheck): Said {
	const said: Said = { texts: [], refusals: [] };
	if (typeof content === "string") return { ...said, texts: [content] };
	for (const [part, path] of partsOf(content, param, check)) {
		if (TEXTS.has(part.type)) said.texts.push(textOf(part, path, check));
		else if (part.type === "refusal") said.refusals.push(check.string(part.refusal, `${path}.refusal`) ?? "");
		else check.unsupported(`${path}.type`, "An assistant's message has texts and refusals only.");
	}
	return { texts: said.texts.filter((text) => text !== ""), refusals: said.refusals.filter((text) => text !== "") };
}

function partsOf(content: Json | undefined, param: string, check: RequestCheck): [JsonObject, string][] {
	const list = listOf(content);
	if (list === null) check.refuse(param, "Must be a string or an array of parts.");
	return (list ?? []).map((value, at) => {
		const path = `${param}[${at}]`;
		const part = objectOf(value);
		if (part === null) check.refuse(path, "Must be an object.");
		return [part ?? {}, path];
	});
}

function textOf(part: JsonObject, path: string, check: RequestCheck): string {
	if (typeof part.text !== "string") check.refuse(`${path}.text`, "Must be a string.");
	return stringOf(part.text) ?? "";
}

/** Nothing: it is refused. */
function chatPart(part: JsonObject, path: string, check: RequestCheck): JsonObject[] {
	if (TEXTS.has(part.type)) return [{ type: "text", text: textOf(part, path, check) }];
	switch (part.type) {
		case "input_image":
			return imagePart(part, path, check);
		case "input_file":
			return filePart(part, path, check);
		case "input_audio":
			return [{ type: "input_audio", input_audio: check.object(part.input_audio, `${path}.input_audio`) ?? {} }];
	}
	check.unsupported(`${path}.type`, "Models behind chat completions take texts, images, files and audio.");
	return [];
}

const STORED = "No files are stored here. Send the data in the request.";

function imagePart(part: JsonObject, path: string, check: RequestCheck): JsonObject[] {
	if ((part.file_id ?? null) !== null) {
		check.unsupported(`${path}.file_id`, STORED);
		return [];
	}
	const url = check.word(part.image_url, `${path}.image_url`);
	const detail = check.string(part.detail, `${path}.detail`);
	return [{ type: "image_url", image_url: { url, ...(detail === null ? {} : { detail }) } }];
}

function filePart(part: JsonObject, path: string, check: RequestCheck): JsonObject[] {
	for (const field of ["file_id", "file_url"])
		if ((part[field] ?? null) !== null) check.unsupported(`${path}.${field}`, STORED);
	const data = check.word(part.file_data, `${path}.file_data`);
	const filename = check.string(part.filename, `${path}.filename`);
	return [{ type: "file", file: { file_data: data, ...(filename === null ? {} : { filename }) } }];
}
