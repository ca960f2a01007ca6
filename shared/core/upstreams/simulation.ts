/** How a job controls the simulated provider, and what that provider responds. Deterministic: same input, same response. */
import { z } from "zod";
import { type Json, type JsonObject, listOf, numberOf, objectOf, stringOf } from "../json/json.ts";

const HOUR_MS = 3_600_000;
/** 600 KB of words: enough to try out large completions, and no burden on the calls beside. */
const OUTPUT_TOKENS_MAX = 100_000;

/**
 * `input.simulate`. Unknown fields are ignored, as everywhere in the input. A known field with an invalid value is refused,
 * as a provider would, so that a typing error does not look like a successful test.
 */
export const Simulation = z.looseObject({
	/** Silence before the response, successful or not. */
	latency_ms: z.number().min(0).max(HOUR_MS).default(0),
	/** Statuses of the first calls for this job, one each; a 2xx entry stands for a call that succeeds. */
	fail: z.union([z.array(z.int().min(200).max(599)), z.int().min(200).max(599)]).default([]),
	/** The `Retry-After` of those failures. It may be nonsense. */
	retry_after: z.union([z.number(), z.string()]).optional(),
	/** True: never responds; a stream stops halfway. A number N: only the first N calls do so, failing ones included. */
	stall: z.union([z.boolean(), z.int().min(0)]).default(false),
	/** Length of the completion; without it, one sentence. */
	output_tokens: z.int().min(0).max(OUTPUT_TOKENS_MAX).optional(),
	/** Streams the completion, one token per so many milliseconds. */
	stream_chunk_ms: z.number().min(0).max(HOUR_MS).optional(),
});

export type Simulation = z.infer<typeof Simulation>;

/** The status with which a call fails after `callsBefore` others; null if it succeeds. */
export function plannedFailure({ fail }: Simulation, callsBefore: number): number | null {
	const status = typeof fail === "number" ? (callsBefore === 0 ? fail : undefined) : fail[callsBefore];
	return status === undefined || status <= 299 ? null : status;
}

export function isPlannedToStall({ stall }: Simulation, callsBefore: number): boolean {
	return typeof stall === "number" ? callsBefore < stall : stall;
}

export interface SimulatedResponse {
	/** How many tokens the text has. */
	length: number;
	/** The text of the tokens from `start` up to `end`. Each is a word with its space, which this provider counts as one. */
	text(start: number, end: number): string;
	finishReason: "stop" | "length";
	usage: JsonObject;
}

const ECHO_CHARS_MAX = 60;
const CHARS_PER_TOKEN = 4;

export function simulatedResponse(
	model: string,
	input: JsonObject,
	outputTokens: number | undefined,
): SimulatedResponse {
	const prompt = promptText(input.messages);
	const chars = Array.from(prompt.slice(0, ECHO_CHARS_MAX + 1));
	const echo = chars.length > ECHO_CHARS_MAX ? `${chars.slice(0, ECHO_CHARS_MAX).join("")}…` : chars.join("");
	const sentence = `This is a simulated answer: no model was called. The prompt to ${model}, ${prompt.length} characters: "${echo.toWellFormed()}"`;
	const own = sentence.split(/(?<= )/);
	const wanted = outputTokens ?? own.length;
	const limits = [input.max_tokens, input.max_completion_tokens].map(numberOf).filter((limit) => limit !== null);
	const allowed = Math.floor(Math.min(wanted, ...limits));
	const length = Math.max(0, allowed);
	const promptTokens = Math.ceil(prompt.length / CHARS_PER_TOKEN);
	const usage = {
		prompt_tokens: promptTokens,
		completion_tokens: length,
		total_tokens: promptTokens + length,
	};
	const text = (start: number, end: number) => textOf(own, start, Math.min(end, length));
	return { length, text, finishReason: allowed < wanted ? "length" : "stop", usage };
}

/** Beyond the words of its own, the text counts. */
function textOf(own: readonly string[], start: number, end: number): string {
	let text = own.slice(start, end).join("");
	for (let word = Math.max(start, own.length); word < end; word++) text += ` ${word}`;
	return text;
}

function promptText(messages: Json | undefined): string {
	return (listOf(messages) ?? []).map((message) => contentChars(objectOf(message)?.content)).join("\n");
}

function contentChars(content: Json | undefined): string {
	const parts = listOf(content)?.map((part) => stringOf(objectOf(part)?.text) ?? "");
	return stringOf(content) ?? parts?.join("") ?? "";
}
