/** What a message or a delta says. */
import { type Json, listOf, objectOf, stringOf } from "../json/json.ts";

/** A string, or null for no content. In JSON mode some providers send an object: its JSON text is the content. */
export function contentText(content: Json | undefined): string | null {
	if (content === undefined || content === null) return null;
	if (typeof content === "string") return content;
	const parts = listOf(content);
	if (parts === null) return JSON.stringify(content);
	return parts.map((part) => stringOf(part) ?? stringOf(objectOf(part)?.text) ?? "").join("");
}

const SILENT: ReadonlySet<string> = new Set(["role", "id", "type"]);

/** Whether there is any text in it, such as content or the name of a tool. */
export function speaks(value: unknown): boolean {
	if (typeof value !== "object" || value === null) return typeof value === "string" && value !== "";
	return Object.entries(value).some(([key, member]) => !SILENT.has(key) && speaks(member));
}

/** Characters of text in a delta; any other value counts 8. A role counts nothing: some providers send it as a keep-alive. */
export function weightOf(value: Json | undefined): number {
	if (value === undefined || value === null) return 0;
	if (typeof value === "string") return value.length;
	if (typeof value !== "object") return 8;
	if (Array.isArray(value)) return value.reduce<number>((sum, member) => sum + weightOf(member), 0);
	return Object.entries(value).reduce((sum, [key, member]) => sum + (key === "role" ? 0 : weightOf(member)), 0);
}
