/** Reads a provider's account of its failure from any of the usual error bodies. */
import { type Json, type JsonObject, listOf, numberOf, objectOf, stringOf, wordOf } from "../json/json.ts";

export interface ProviderError {
	/** The provider's error words for programs, the most specific first: its code, its type, its status word. */
	words: string[];
	/** The provider's message for people, not yet cut or cleaned. Null: it sent none. */
	message: string | null;
	/** An HTTP status inside the body, from routers that respond 200 or 502 to everything. */
	status: number | null;
	/** A wait given in the body (Gemini's RetryInfo), milliseconds. */
	retryAfterMs: number | null;
	/** Whether an AI Gateway itself refuses: the provider behind it does not quote its request under this name. */
	isFromGateway: boolean;
}

/**
 * Reads `{error: {message, type, code}}` (OpenAI, Anthropic), `{error: {code: 429, status, details}}` (Gemini, OpenRouter),
 * `{error: "…"}` (Ollama), `{errors: [{code, message}]}` and `{internalCode, description}` (Workers AI),
 * `{name: "AiGatewayError", error: [{code, message}]}` (AI Gateway), the bare `{message, type, code}` (Mistral, vLLM),
 * `{detail}` (FastAPI), and a list of one of these.
 */
export function readProviderError(body: Json | undefined): ProviderError {
	const outer = objectOf(listOf(body)?.[0]) ?? objectOf(body);
	if (outer === null) return { words: [], message: null, status: null, retryAfterMs: null, isFromGateway: false };
	const inner = [outer.error, first(outer.error), first(outer.errors), outer.detail].map(objectOf).find(isSet) ?? outer;
	const candidates = [outer.internalCode, inner.internalCode, inner.code, inner.type, inner.status, inner.reason];
	return {
		words: candidates.map(wordFrom).filter((word) => word !== null),
		message: messageOf(outer, inner),
		status: [inner.code, inner.status, inner.status_code].map(statusFrom).find((status) => status !== null) ?? null,
		retryAfterMs: retryInfoMs(inner),
		isFromGateway: outer.name === "AiGatewayError",
	};
}

function first(value: Json | undefined): Json | undefined {
	return listOf(value)?.[0];
}

function isSet(value: JsonObject | null): value is JsonObject {
	return value !== null;
}

/**
 * Whether a refusal is about `stream` or `stream_options`: by the parameter or the place in the body that it names, else by its
 * sentence.
 */
export function isStreamRefused(status: number, body: Json | undefined): boolean {
	if (status !== 400 && status !== 422) return false;
	const outer = objectOf(first(body)) ?? objectOf(body) ?? {};
	const inner = objectOf(outer.error) ?? outer;
	const details = listOf(outer.detail) ?? listOf(objectOf(inner.message)?.detail) ?? [];
	const places = [inner.param, ...details.map((detail) => listOf(objectOf(detail)?.loc)?.map(String).join("."))];
	const named = places.map(wordOf).filter((place) => place !== null);
	if (named.length > 0) return named.some((place) => /^(body\.)?stream(_options)?(\.|$)/.test(place));
	return /\bstream(s|ed|ing|_options)?\b/i.test(messageOf(outer, inner) ?? "");
}

/** Accepts words and Cloudflare's four-digit codes. Not a word: an HTTP status, and "error", the type of some bodies. */
function wordFrom(value: Json | undefined): string | null {
	const word = typeof value === "number" ? String(value) : stringOf(value)?.trim();
	if (word === undefined || !/^[\w.:-]{1,64}$/.test(word) || /^([1-5]\d\d|0|error)$/i.test(word)) return null;
	return word;
}

function statusFrom(value: Json | undefined): number | null {
	const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : numberOf(value);
	return status !== null && Number.isInteger(status) && status >= 400 && status <= 599 ? status : null;
}

function messageOf(outer: JsonObject, inner: JsonObject): string | null {
	const validation = objectOf(listOf(outer.detail)?.[0]);
	const candidates = [
		inner.message,
		inner.description,
		outer.error,
		outer.message,
		outer.description,
		outer.detail,
		validation?.msg,
	];
	return candidates.map(wordOf).find((message) => message !== null) ?? null;
}

/** `{"@type": "…RetryInfo", "retryDelay": "13.5s"}` among Google's details. */
function retryInfoMs(inner: JsonObject): number | null {
	for (const detail of listOf(inner.details) ?? []) {
		const seconds = /^(\d+(?:\.\d+)?)s$/.exec(stringOf(objectOf(detail)?.retryDelay) ?? "")?.[1];
		if (seconds !== undefined) return Number(seconds) * 1000;
	}
	return null;
}
