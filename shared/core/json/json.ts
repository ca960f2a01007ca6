/** A parsed JSON value, and guards for values of unknown shape: each returns the value if it has the type, else null. */
export type Json = string | number | boolean | null | Json[] | JsonObject;
export type JsonObject = { [key: string]: Json };

type Found = Json | undefined;

export function objectOf(value: Found): JsonObject | null {
	return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
}

export function listOf(value: Found): Json[] | null {
	return Array.isArray(value) ? value : null;
}

export function stringOf(value: Found): string | null {
	return typeof value === "string" ? value : null;
}

export function numberOf(value: Found): number | null {
	return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A string that is not empty. */
export function wordOf(value: Found): string | null {
	return typeof value === "string" && value !== "" ? value : null;
}

/** Only of what was parsed from JSON: what it holds is not checked. */
export function isJsonObject(value: object): value is JsonObject {
	return !Array.isArray(value);
}

/** The value of JSON text; undefined if the text is not JSON. */
export function parseJson(text: string): Json | undefined {
	try {
		return JSON.parse(text);
	} catch {
		// The error is dropped: its message would quote the text.
		return undefined;
	}
}

/** Whether both are the same, whatever the order of their keys. Only of values that do not nest deeply. */
export function isSameJson(one: Found, other: Found): boolean {
	if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
	if (Array.isArray(one) !== Array.isArray(other)) return false;
	const [members, others] = [Object.entries(one), new Map(Object.entries(other))];
	return members.length === others.size && members.every(([key, value]) => isSameJson(value, others.get(key)));
}

/** Whether arrays and objects are nested more than `levels` deep: `JSON.stringify` overflows the stack on such a value. */
export function nestsDeeperThan(value: Found, levels: number): boolean {
	if (typeof value !== "object" || value === null) return false;
	if (levels === 0) return true;
	const members = Array.isArray(value) ? value : Object.values(value);
	return members.some((member) => nestsDeeperThan(member, levels - 1));
}
