/** Turns the issues of a schema into error messages. Never quotes a value, which may be a prompt. */
import type { z } from "zod";

export interface Described {
	/** Such as `input.messages.0.role`. Empty: the whole value. */
	path: string;
	message: string;
}

/** No field of ours is longer, so a longer key is the caller's own text. */
const SHOWN_KEY_LENGTH_MAX = 64;

const NO_NULL = "Leave the field out rather than send null.";

const KINDS: Record<string, string> = {
	array: "a list",
	boolean: "true or false",
	date: "a time",
	int: "a whole number",
	nan: "a number",
	null: "null",
	number: "a number",
	object: "an object",
	record: "an object",
	string: "text",
};

/** @param value the value that was validated */
export function describeIssue(issue: z.core.$ZodIssue, value: unknown): Described {
	if (issue.code === "invalid_union") return describeUnion(issue, value);
	// The issue's path leads to the object. Add the unknown field.
	const keys = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
	const path = [...issue.path, ...keys].map((step) => shown(String(step))).join(".");
	const received = issue.path.reduce(memberOf, value);
	if (received === null) return { path, message: `${sentence(issue)} ${NO_NULL}` };
	return { path, message: received === undefined && !isUnknown(issue) ? "This field is required." : sentence(issue) };
}

/** Describes the form that the caller probably meant: one whose type matched, but not its contents. Otherwise lists all forms. */
function describeUnion(issue: z.core.$ZodIssueInvalidUnion, value: unknown): Described {
	const inner = issue.errors.flatMap((issues) => issues.slice(0, 1));
	const received = issue.path.reduce(memberOf, value);
	const meant = inner.find((one) => one.code !== "invalid_type" || one.path.length > 0);
	if (meant !== undefined) {
		const { path, message } = describeIssue(meant, received);
		return {
			path: [...issue.path.map((step) => shown(String(step))), ...(path === "" ? [] : [path])].join("."),
			message,
		};
	}
	const path = issue.path.map((step) => shown(String(step))).join(".");
	if (received === undefined) return { path, message: "This field is required." };
	const forms = inner.flatMap((one) => (one.code === "invalid_type" ? [kindOf(one.expected)] : []));
	const message = forms.length === 0 ? "Does not match any allowed form." : `Must be ${orList(forms)}.`;
	return { path, message: received === null ? `${message} ${NO_NULL}` : message };
}

function sentence(issue: z.core.$ZodIssue): string {
	switch (issue.code) {
		case "unrecognized_keys":
			return "Unknown field.";
		case "invalid_type":
			return `Must be ${kindOf(issue.expected)}.`;
		case "invalid_value":
			return `Must be ${orList(issue.values.map((value) => JSON.stringify(String(value))))}.`;
		case "too_small":
			return `Must ${bound(issue.origin, issue.inclusive === false ? "more than" : "at least", issue.minimum)}.`;
		case "too_big":
			return `Must ${bound(issue.origin, issue.inclusive === false ? "less than" : "at most", issue.maximum)}.`;
		case "invalid_format":
			return issue.format === "datetime" ? "Must be a time such as 2026-01-02T03:04:05Z." : issue.message;
		case "invalid_key":
			return issue.issues[0] === undefined ? issue.message : `Invalid key: ${sentence(issue.issues[0])}`;
		default:
			return issue.message;
	}
}

function bound(origin: string, relation: string, limit: number | bigint): string {
	if (origin === "string") return `have ${relation} ${limit} ${limit === 1 ? "character" : "characters"}`;
	if (origin === "array") return `have ${relation} ${limit} ${limit === 1 ? "entry" : "entries"}`;
	return `be ${relation} ${limit}`;
}

function isUnknown(issue: z.core.$ZodIssue): boolean {
	return issue.code === "unrecognized_keys" || issue.code === "custom";
}

function kindOf(expected: string): string {
	return KINDS[expected] ?? expected;
}

function orList(words: string[]): string {
	const last = words.at(-1) ?? "";
	return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}

export function memberOf(value: unknown, step: PropertyKey): unknown {
	return typeof value === "object" && value !== null ? Reflect.get(value, step) : undefined;
}

/** `toWellFormed`, because the cut may split a surrogate pair. */
function shown(key: string): string {
	return key.length > SHOWN_KEY_LENGTH_MAX ? `${key.slice(0, SHOWN_KEY_LENGTH_MAX).toWellFormed()}…` : key;
}
