/** What stands around a completion in a 2xx body, or in its place: envelopes, and failures that the status does not show. */
import { type Json, type JsonObject, listOf, objectOf, stringOf, wordOf } from "../json/json.ts";
import { chatOf, hasError } from "./provider-shapes.ts";

const ENVELOPES = ["result", "data", "output"] as const;

/**
 * Workers AI's REST responses come as `{result, success, errors}`, some models behind the gateway respond with
 * `{state: "Completed", result}`, others with `{code: 0, data}` or `{output, usage}`. A bare string as `result` is the text.
 */
export function openEnvelope(json: Json): JsonObject | null {
	const outer = objectOf(json);
	if (outer === null || chatOf(outer) !== null) return outer;
	const inner = ENVELOPES.map((key) => objectOf(outer[key])).find(
		(inside) => inside !== null && chatOf(inside) !== null,
	);
	if (inner) return outer.usage === undefined ? inner : { usage: outer.usage, ...inner };
	if (!isEnvelope(outer) || outer.result === undefined) return outer;
	const text = stringOf(outer.result);
	return text === null ? objectOf(outer.result) : { text };
}

function isEnvelope(body: JsonObject): boolean {
	return body.success === true || body.state === "Completed";
}

/** `{}`, or an envelope around it. */
export function holdsNothing(json: Json): boolean {
	const outer = objectOf(json);
	const inside = outer !== null && isEnvelope(outer) ? (outer.result ?? {}) : json;
	return inside === "" || Object.keys(objectOf(inside) ?? { any: inside }).length === 0;
}

/** The error that a body without an answer reports, in a form that `readProviderError` knows. Null: it reports none. */
export function errorIn(body: JsonObject): JsonObject | null {
	if (body.success === false || body.ok === false || body.type === "error" || body.object === "error") return body;
	if (listOf(body.choices)?.length || listOf(body.candidates)?.length) return null;
	if (hasError(body)) return body;
	return blockedPrompt(body) ?? (listOf(body.choices) === null && chatOf(body) !== null ? null : errorOfVendor(body));
}

/** Gemini and Azure respond to a prompt that they block with a reason and no answer. */
function blockedPrompt(body: JsonObject): JsonObject | null {
	const results = (listOf(body.prompt_filter_results) ?? []).map((one) =>
		objectOf(objectOf(one)?.content_filter_results),
	);
	const filters = results.flatMap((result) => Object.entries(result ?? {}));
	const filtered = filters.find(([, outcome]) => objectOf(outcome)?.filtered === true)?.[0];
	const reason = wordOf(objectOf(body.promptFeedback)?.blockReason) ?? filtered ?? null;
	if (reason === null) return null;
	return { error: { code: "content_filter", message: `The provider blocked the prompt: ${reason}.` } };
}

const CODES = ["code", "status_code", "error_code", "errorCode", "errcode"] as const;
const SENTENCES = [
	"message",
	"msg",
	"status_msg",
	"error_msg",
	"error_message",
	"errorMessage",
	"errmsg",
	"detail",
] as const;
/** Codes that some vendors send with every answer. */
const SUCCESS: ReadonlySet<string> = new Set(["0", "200", "success", "ok", "200000"]);

/** A code and a sentence in a vendor's own envelope. */
function errorOfVendor(body: JsonObject): JsonObject | null {
	for (const inside of [objectOf(body.base_resp), objectOf(body.header), body]) {
		const message = SENTENCES.map((key) => wordOf(inside?.[key])).find((sentence) => sentence !== null);
		const code = CODES.map((key) => inside?.[key]).find((value) => typeof value === "number" || wordOf(value) !== null);
		if (message === undefined || code === undefined || SUCCESS.has(String(code).toLowerCase())) continue;
		return { error: { code, message } };
	}
	return null;
}
