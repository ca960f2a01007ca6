/** The content of a chat message as Anthropic's blocks. */
import { type Json, type JsonObject, listOf, objectOf, stringOf, wordOf } from "../json/json.ts";
import type { Conversion, Data } from "./conversion.ts";

/** Blocks of Anthropic's own, which callers may send as they are. */
const OWN_BLOCK =
	/^(image|document|search_result|thinking|redacted_thinking|tool_use|server_tool_use|container_upload|\w*tool_result)$/;

/** Nothing for an empty text: Anthropic refuses such blocks. */
export function blocksOf(content: Json | undefined, path: string, conversion: Conversion): JsonObject[] {
	if (typeof content === "string") return textBlocks(content);
	return (listOf(content) ?? []).flatMap((value, at) => partBlocks(value, `${path}.${at}`, conversion));
}

function partBlocks(value: Json, path: string, conversion: Conversion): JsonObject[] {
	const part = objectOf(value);
	if (part === null) return textBlocks(conversion.stringAt(value, path));
	switch (part.type) {
		case "text":
			return textBlocks(conversion.stringAt(part.text, `${path}.text`), part);
		case "refusal":
			return textBlocks(conversion.stringAt(part.refusal, `${path}.refusal`), part);
		case "image_url":
			return withCache(part, imageOf(part, path, conversion));
		case "file":
			return withCache(part, documentOf(part, path, conversion));
	}
	if (OWN_BLOCK.test(stringOf(part.type) ?? "")) return [part];
	conversion.refuse(`${path}.type`, "Anthropic's models take text, images and documents only.");
	return [];
}

export function textBlocks(text: string | null, part: JsonObject = {}): JsonObject[] {
	return withCache(part, text === null || text === "" ? null : { type: "text", text });
}

/** Callers mark in this way what Anthropic may cache. */
export function withCache({ cache_control: cache }: JsonObject, block: JsonObject | null): JsonObject[] {
	if (block === null) return [];
	return [objectOf(cache) === null ? block : { ...block, cache_control: cache ?? null }];
}

const IMAGE_TYPES: ReadonlySet<string> = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

function imageOf({ image_url: image }: JsonObject, path: string, conversion: Conversion): JsonObject | null {
	const param = objectOf(image) === null ? `${path}.image_url` : `${path}.image_url.url`;
	const url = stringOf(objectOf(image)?.url) ?? stringOf(image) ?? "";
	if (/^https:\/\//i.test(url)) return { type: "image", source: { type: "url", url } };
	const file = dataOf(url);
	if (file !== null && IMAGE_TYPES.has(file.type)) return imageBlock(file);
	conversion.refuse(
		param,
		"Anthropic's models take https URLs, and JPEG, PNG, GIF or WebP images as base64 data URLs.",
	);
	return null;
}

function documentOf({ file }: JsonObject, path: string, conversion: Conversion): JsonObject | null {
	const { file_data: data, file_id: id, filename } = objectOf(file) ?? {};
	const title = wordOf(filename) === null ? {} : { title: filename ?? null };
	const found = dataOf(stringOf(data) ?? "");
	if (found?.type === "application/pdf") return { type: "document", source: base64(found), ...title };
	if (found !== null && IMAGE_TYPES.has(found.type)) return imageBlock(found);
	if (found?.type === "text/plain") {
		const text = conversion.decode(found, `${path}.file.file_data`);
		const source = { type: "text", media_type: "text/plain", data: text };
		return text === null ? null : { type: "document", source, ...title };
	}
	const isStored = data === undefined && id !== undefined;
	conversion.refuse(
		`${path}.file.${isStored ? "file_id" : "file_data"}`,
		"Anthropic's models take PDF, plain text and images as base64 data URLs.",
	);
	return null;
}

/** Null: not a data URL in base64. */
function dataOf(url: string): Data | null {
	const comma = url.indexOf(",");
	const head = /^data:([^;,]+)(;[^,]*)?;base64$/i.exec(url.slice(0, Math.max(comma, 0)).toLowerCase());
	if (head === null) return null;
	const [, type = "", parameters = ""] = head;
	return {
		type: type === "image/jpg" ? "image/jpeg" : type,
		charset: /;charset="?([^;"]*)/.exec(parameters)?.[1] ?? null,
		data: url.slice(comma + 1),
		length: url.length,
	};
}

function base64({ type, data }: Data): JsonObject {
	return { type: "base64", media_type: type, data };
}

function imageBlock(file: Data): JsonObject {
	return { type: "image", source: base64(file) };
}
