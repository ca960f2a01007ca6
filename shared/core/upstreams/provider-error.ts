/** Reads a provider's account of its failure from any of the usual error bodies. */
import { type Json, type JsonObject, listOf, numberOf, objectOf, stringOf, wordOf } from "../json/json.ts";

export interface ProviderError {
	/** The provider's error words for programs, the most specific first: its code, its type, its status word. */
	words: string[];
	/** The provider's message for people, not yet cut or cleaned. Null: it sent none. */
	message: string | null;
	/** The parameters that it names, or their places in the body, such as `body.stream_options`. */
	places: string[];
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
	const outer = objectOf(first(body)) ?? objectOf(body) ?? {};
	const inner = [outer.error, first(outer.error), first(outer.errors), outer.detail].map(objectOf).find(isSet) ?? outer;
	const reasons = [...(listOf(inner.details) ?? []), ...(listOf(inner.errors) ?? [])].map(
		(detail) => objectOf(detail)?.reason,
	);
	const candidates = [
		outer.internalCode,
		inner.internalCode,
		inner.code,
		inner.type,
		...reasons,
		inner.status,
		inner.reason,
		objectOf(inner.message)?.code,
	];
	return {
		words: candidates.map(wordFrom).filter((word) => word !== null),
		message: messageOf(outer, inner),
		places: placesOf(outer, inner),
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

/** `stream`: it names the stream or its options. `field`: an unknown field that it does not name. */
export type StreamRefusal = "stream" | "field";

const STREAM_PLACE = /^(\$|body)?[./]?stream(_options)?([./]|$)/;
/** Behind it comes no name: that would be another field's. */
const UNKNOWN_FIELD =
	/\b(additional|extra|unknown|unrecogni[sz]ed|unexpected) ([\w-]+ )?(fields?|inputs?|arguments?|parameters?|propert(y|ies)|keys?)\b[^:'"`]*$/i;

/** Whether a refusal may be about the stream that was requested. Null: it is about something else. */
export function streamRefusalOf(status: number, body: Json | undefined): StreamRefusal | null {
	if (status !== 400 && status !== 422) return null;
	const { places, message } = readProviderError(body);
	if (places.length > 0) return places.some((place) => STREAM_PLACE.test(place)) ? "stream" : null;
	if (/\bstream(s|ed|ing|_options)?\b/i.test(message ?? "")) return "stream";
	return UNKNOWN_FIELD.test(message ?? "") ? "field" : null;
}

function placesOf(outer: JsonObject, inner: JsonObject): string[] {
	const details = listOf(outer.detail) ?? listOf(objectOf(inner.message)?.detail) ?? [];
	const locations = details.map((detail) => listOf(objectOf(detail)?.loc)?.map(String).join("."));
	return [inner.param, ...locations].map(wordOf).filter((place) => place !== null);
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
	const nested = objectOf(inner.message);
	const validation = objectOf((listOf(outer.detail) ?? listOf(nested?.detail))?.[0]);
	const candidates = [
		inner.message,
		nested?.message,
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
