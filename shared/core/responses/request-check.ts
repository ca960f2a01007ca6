/** Reads the members of a request to the Responses API, and keeps the first one that cannot be served. */
import { type Json, type JsonObject, listOf, objectOf } from "../json/json.ts";

/**
 * - `invalid_request`: it has no meaning in this API.
 * - `unsupported_value`: it has one, but no model behind a chat completion can do it.
 * - `unknown_parameter`: no such member.
 */
export type RefusalCode = "invalid_request" | "unsupported_value" | "unknown_parameter";

/** `param`: the path of the member, such as `input[0].content[1].file_id`. */
export interface Refusal {
	code: RefusalCode;
	param: string;
	problem: string;
}

/** What is wrong with a value; null: nothing. */
export type Problem = (value: Json) => string | null;

export const isText: Problem = (value) => (typeof value === "string" ? null : "Must be a string.");
export const isFlag: Problem = (value) => (typeof value === "boolean" ? null : "Must be true or false.");
export const isObject: Problem = (value) => (objectOf(value) === null ? "Must be an object." : null);

export function isNumber(min: number, max: number): Problem {
	return (value) => (isWithin(value, min, max) ? null : `Must be a number from ${min} to ${max}.`);
}

export function isWhole(min: number, max = Number.MAX_SAFE_INTEGER): Problem {
	const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
	return (value) =>
		Number.isSafeInteger(value) && isWithin(value, min, max) ? null : `Must be a whole number ${range}.`;
}

function isWithin(value: Json, min: number, max: number): boolean {
	return typeof value === "number" && value >= min && value <= max;
}

/** Null stands for an absent member everywhere. */
type Found = Json | undefined;

export class RequestCheck {
	refusal: Refusal | null = null;

	refuse(param: string, problem: string, code: RefusalCode = "invalid_request"): void {
		this.refusal ??= { code, param, problem };
	}

	unsupported(param: string, problem: string): void {
		this.refuse(param, problem, "unsupported_value");
	}

	/** Whether there is a value without a problem. */
	has(value: Found, param: string, problemOf: Problem): value is Json {
		if (value === undefined || value === null) return false;
		const problem = problemOf(value);
		if (problem !== null) this.refuse(param, problem);
		return problem === null;
	}

	/** Null where there is none. */
	string(value: Found, param: string): string | null {
		return this.has(value, param, isText) && typeof value === "string" ? value : null;
	}

	/** A string that must be there. */
	word(value: Found, param: string): string {
		const word = this.string(value, param);
		if (word === null || word === "") this.refuse(param, "Required: a string that is not empty.");
		return word ?? "";
	}

	/** Null where there is none. */
	object(value: Found, param: string): JsonObject | null {
		return this.has(value, param, isObject) ? objectOf(value) : null;
	}

	/** Empty where there is none. */
	list(value: Found, param: string): Json[] {
		const list = listOf(value ?? []);
		if (list === null) this.refuse(param, "Must be an array.");
		return list ?? [];
	}

	/** Refuses members that `known` does not name. */
	members(object: JsonObject, param: string, known: ReadonlySet<string>): void {
		const other = Object.keys(object).find((name) => !known.has(name));
		if (other !== undefined) this.refuse(`${param}.${other}`, "No such parameter.", "unknown_parameter");
	}
}
