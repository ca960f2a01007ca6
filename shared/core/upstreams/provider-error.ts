/** Reads a provider's account of its failure from any of the usual error bodies. */
import { type Json, type JsonObject, listOf, numberOf, objectOf, parseJson, stringOf, wordOf } from "../json/json.ts";

export interface ProviderError {
	/** The provider's error words for programs, the most specific first: its code, its type, its status word. */
	words: string[];
	/** The start of the provider's message for people, not yet cleaned. Null: it sent none. */
	message: string | null;
	/** The members of the request that it names, such as `stream_options.include_usage`. */
	places: string[];
	/** An HTTP status inside the body, from routers that respond 200 or 502 to everything. */
	status: number | null;
	/** A wait given in the body (Gemini's RetryInfo), milliseconds. */
	retryAfterMs: number | null;
	/** Whether an AI Gateway itself refuses: the provider behind it does not quote its request under this name. */
	isFromGateway: boolean;
}

/** A message may be megabytes. Some patterns that it is matched with take the square of its length. */
const MESSAGE_CHARS_MAX = 5_000;

/**
 * Reads `{error: {message, type, code}}` (OpenAI), `{error: {message, type, details: {error_code}}}` (Anthropic),
 * `{error: {code: 429, status, details: [{reason}]}}` (Gemini, OpenRouter),
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
		objectOf(inner.details)?.error_code,
		objectOf(inner.innererror)?.code,
		inner.error_code,
		inner.type,
		inner.__type,
		...reasons,
		inner.status,
		inner.reason,
		objectOf(inner.message)?.code,
		outer.code,
		outer.error_code,
	];
	const behind = errorBehind(inner);
	return {
		words: [...candidates, ...reasonsIn(outer)]
			.map(wordFrom)
			.filter((word) => word !== null)
			.concat(behind?.words ?? []),
		message: behind?.message ?? (sentenceOf(inner) ?? sentenceOf(outer))?.slice(0, MESSAGE_CHARS_MAX) ?? null,
		places: placesOf(outer, inner),
		status: [inner.code, inner.status, inner.status_code].map(statusFrom).find((status) => status !== null) ?? null,
		retryAfterMs: retryInfoMs(inner),
		isFromGateway: outer.name === "AiGatewayError",
	};
}

/** A router's account of what the provider behind it said, such as OpenRouter's. Null: there is none. */
function errorBehind({ metadata }: JsonObject): ProviderError | null {
	const raw = wordOf(objectOf(metadata)?.raw);
	return raw === null ? null : readProviderError(parseJson(raw) ?? { message: raw });
}

/** Members in which a vendor wraps its errors. */
const VENDOR_WRAPPERS = ["base_resp", "header", "data", "ResponseMetadata", "Response", "Error"];

/** Where a reason may stand. Not `input` or `ctx`, which quote the request. */
const REASON_HOLDERS = [
	...["error", "errors", "detail", "details", "message", "innererror", "inner_error", "extensions"],
	...VENDOR_WRAPPERS,
];
const REASON_MEMBERS = [
	"code",
	"Code",
	"type",
	"reason",
	"error_code",
	"error_type",
	"errorCode",
	"status_code",
	"status",
];

/** Every word in the body that may name the reason, the outermost first. */
function reasonsIn(value: Json | undefined, levels = LEVELS_MAX): (Json | undefined)[] {
	if (levels === 0) return [];
	const list = listOf(value);
	if (list !== null) return list.flatMap((each) => reasonsIn(each, levels - 1));
	const object = objectOf(value);
	if (object === null) return [];
	const own = REASON_MEMBERS.map((name) => object[name]);
	return [...own, ...REASON_HOLDERS.flatMap((name) => reasonsIn(object[name], levels - 1))];
}

function first(value: Json | undefined): Json | undefined {
	return listOf(value)?.[0];
}

function isSet(value: JsonObject | null): value is JsonObject {
	return value !== null;
}

/** A refusal that may be about a member of the request. */
export type MemberRefusal = Pick<ProviderError, "places" | "message">;

/** Null: it says nothing of the request's members. */
export function memberRefusalOf(httpStatus: number, body: Json | undefined): MemberRefusal | null {
	const { status: inside, places, message } = readProviderError(body);
	const status = httpStatus >= 200 && httpStatus <= 299 ? inside : httpStatus;
	return status === 400 || status === 422 ? { places, message } : null;
}

/** Behind it comes no name: that would be another field's. */
const UNKNOWN_FIELD =
	/\b(additional|extra|unknown|unrecogni[sz]ed|unexpected) ([\w-]+ )?(fields?|inputs?|arguments?|parameters?|propert(y|ies)|keys?)\b[^:'"`]*$/i;

const OPTIONS = /\b(stream_?options|include_?usage)\b/i;

/** Which of the members that are refused most it names. `unknown`: one that it does not name. Null: something else. */
export function refusedMember({
	places,
	message,
}: MemberRefusal): "stream" | "stream_options" | "store" | "unknown" | null {
	if (places.length > 0) {
		if (places.some((place) => OPTIONS.test(place))) return "stream_options";
		const heads = places.map((place) => place.split(".")[0]);
		return (["stream", "store"] as const).find((name) => heads.includes(name)) ?? null;
	}
	const sentence = message ?? "";
	if (OPTIONS.test(sentence)) return "stream_options";
	if (/\bstream(s|ed|ing)?\b/i.test(sentence)) return "stream";
	if (/['"`]store['"`]|: store\b/.test(sentence)) return "store";
	return UNKNOWN_FIELD.test(sentence) ? "unknown" : null;
}

/** With dots between their parts, and from the body's members on. */
function placesOf(outer: JsonObject, inner: JsonObject): string[] {
	const message = objectOf(inner.message);
	const lists = [
		outer.detail,
		outer.errors,
		outer.message,
		message?.detail,
		inner.message,
		inner.details,
		inner.errors,
	];
	const details = lists.flatMap((list) => (listOf(list) ?? []).map(objectOf));
	const named = [inner, message, objectOf(outer.detail), ...details].flatMap((detail) =>
		[detail?.param, detail?.loc, detail?.path, detail?.field, detail?.pointer].map(
			(place) => wordOf(place) ?? listOf(place)?.map(String).join("."),
		),
	);
	const places = named.map((place) => place?.replaceAll("/", ".").replace(/^[$#.]*(body(\.|$))?/, ""));
	return [...new Set(places)].map(wordOf).filter((place) => place !== null);
}

/** Accepts words and Cloudflare's four-digit codes. Not a word: an HTTP status, and that it failed. */
function wordFrom(value: Json | undefined): string | null {
	const word = typeof value === "number" ? String(value) : stringOf(value)?.trim();
	if (word === undefined || !/^[\w.:-]{1,64}$/.test(word) || /^([1-5]\d\d|0|error|fail(ed|ure)?)$/i.test(word))
		return null;
	return word;
}

function statusFrom(value: Json | undefined): number | null {
	const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : numberOf(value);
	return status !== null && Number.isInteger(status) && status >= 400 && status <= 599 ? status : null;
}

/** As in `message.detail[].msg`. */
const LEVELS_MAX = 5;
const SENTENCES_MAX = 3;

/** Where an object has its sentence. Not `input` or `ctx`, which quote the request. */
const SENTENCE_MEMBERS = [
	...["message", "msg", "description", "error_description", "error", "detail", "errors", "title"],
	...["error_msg", "error_message", "errorMessage", "errmsg", "status_msg", "Message"],
	...VENDOR_WRAPPERS,
];

/** A page, or what a gateway made of a sentence that it did not find: "openai error: undefined". */
const NO_SENTENCE = /^\s*<|(^|:\s*)(undefined|null|none|\[object \w+\])\s*$/i;

/** A sentence in any shape: text, JSON text, or an object or list that holds some. Null: none. */
function sentenceOf(value: Json | undefined, levels = LEVELS_MAX): string | null {
	if (levels === 0) return null;
	const word = wordOf(value);
	if (word !== null && NO_SENTENCE.test(word)) return null;
	if (word !== null) return (/^\s*[[{]/.test(word) ? sentenceOf(parseJson(word), levels - 1) : null) ?? word;
	const list = listOf(value);
	if (list !== null) return joined(list.map((each) => sentenceOf(each, levels - 1)));
	const object = objectOf(value);
	if (object === null) return null;
	const sentences = SENTENCE_MEMBERS.map((name) => sentenceOf(object[name], levels - 1));
	return sentences.find((sentence) => sentence !== null) ?? joined(complaints(object));
}

/** Of `{"temperature": ["must be at most 2"]}`. */
function complaints(object: JsonObject): (string | null)[] {
	return Object.entries(object).map(([name, list]) => {
		const sentences = (listOf(list) ?? []).map(wordOf);
		return sentences.some((sentence) => sentence?.includes(" ")) ? `${name}: ${joined(sentences)}` : null;
	});
}

function joined(sentences: (string | null)[]): string | null {
	const different = new Set(sentences.filter((sentence) => sentence !== null));
	return wordOf([...different].slice(0, SENTENCES_MAX).join(" "));
}

/** `{"@type": "…RetryInfo", "retryDelay": "13.5s"}` among Google's details. */
function retryInfoMs(inner: JsonObject): number | null {
	for (const detail of listOf(inner.details) ?? []) {
		const seconds = /^(\d+(?:\.\d+)?)s$/.exec(stringOf(objectOf(detail)?.retryDelay) ?? "")?.[1];
		if (seconds !== undefined) return Number(seconds) * 1000;
	}
	return null;
}
