/** Where a Response is, and what it says of a bad end. */
import { type JsonObject, stringOf } from "../json/json.ts";
import type { EndError, ResponseFacts } from "./facts.ts";
import { firstChoice } from "./output-items.ts";

export type ResponseStatus = "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";

export function responseStatus({ status, startedAt }: ResponseFacts, answer: JsonObject | null): ResponseStatus {
	switch (status) {
		case "queued":
			return startedAt === null ? "queued" : "in_progress";
		case "running":
			return "in_progress";
		case "succeeded":
			return answer === null || incompleteReason(answer) === null ? "completed" : "incomplete";
		case "failed":
		case "expired":
			return "failed";
		case "cancelled":
			return "cancelled";
	}
}

/** Whether nothing changes any more. */
export function isEnd(status: ResponseStatus): boolean {
	return status !== "queued" && status !== "in_progress";
}

const REASONS: ReadonlyMap<string, string> = new Map([
	["length", "max_output_tokens"],
	["content_filter", "content_filter"],
]);

/** Null: the answer is complete. */
export function incompleteReason(answer: JsonObject): string | null {
	return REASONS.get(stringOf(firstChoice(answer).finish_reason) ?? "") ?? null;
}

/** OpenAI has a short list of codes. */
export function errorOf({ status, code, message, type, param }: EndError): JsonObject {
	return { code: publicCode(status, code), message, type, param };
}

function publicCode(status: number, code: string): string {
	if (status === 429) return "rate_limit_exceeded";
	const isOfCaller = status >= 400 && status < 500 && code !== "output_invalid";
	return isOfCaller ? "invalid_prompt" : "server_error";
}
