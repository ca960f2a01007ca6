/**
 * The items of a Response, made of the answer of a chat completion: thoughts, message, calls. Ids are made of the job's ULID, so
 * that they are the same at any time.
 */
import { type Json, type JsonObject, listOf, numberOf, objectOf, stringOf, wordOf } from "../json/json.ts";

export interface OutputSettings {
	/** The job's. */
	ulid: string;
	isComplete: boolean;
	wantsLogprobs: boolean;
}

export function outputItems(answer: JsonObject, { ulid, isComplete, wantsLogprobs }: OutputSettings): JsonObject[] {
	const choice = firstChoice(answer);
	const message = objectOf(choice.message) ?? {};
	const status = isComplete ? "completed" : "incomplete";
	const thoughts = wordOf(message.reasoning_content) ?? wordOf(message.reasoning);
	const reasoning = {
		id: `rs_${ulid}`,
		type: "reasoning",
		summary: [{ type: "summary_text", text: thoughts }],
		status,
	};
	const calls = callItems(message, ulid, status);
	const logprobs = wantsLogprobs ? logprobsIn(choice.logprobs) : [];
	const content = contentParts(message, logprobs);
	const isSilent = thoughts === null && calls.length === 0;
	if (content.length === 0 && isSilent) content.push(textPart("", message, logprobs));
	const said = { id: `msg_${ulid}`, type: "message", role: "assistant", status, content };
	return [...(thoughts === null ? [] : [reasoning]), ...(content.length === 0 ? [] : [said]), ...calls];
}

/** The text of all messages, as clients show it. */
export function outputText(items: readonly JsonObject[]): string {
	const parts = items.flatMap(({ type, content }) => (type === "message" ? (listOf(content) ?? []) : []));
	return parts.map((part) => stringOf(objectOf(part)?.text) ?? "").join("");
}

/** The job's own result has the others. */
export function firstChoice(answer: JsonObject): JsonObject {
	return objectOf(listOf(answer.choices)?.[0]) ?? {};
}

function contentParts(message: JsonObject, logprobs: JsonObject[]): JsonObject[] {
	const [text, refusal] = [wordOf(message.content), wordOf(message.refusal)];
	return [
		...(text === null ? [] : [textPart(text, message, logprobs)]),
		...(refusal === null ? [] : [{ type: "refusal", refusal }]),
	];
}

function textPart(text: string, message: JsonObject, logprobs: JsonObject[]): JsonObject {
	const annotations = (listOf(message.annotations) ?? []).flatMap((annotation) => citation(objectOf(annotation)));
	return { type: "output_text", text, annotations, logprobs };
}

function citation(annotation: JsonObject | null): JsonObject[] {
	const cited = objectOf(annotation?.url_citation);
	const url = wordOf(cited?.url);
	if (cited === null || url === null) return [];
	const [start, end] = [numberOf(cited.start_index) ?? 0, numberOf(cited.end_index) ?? 0];
	return [{ type: "url_citation", url, title: stringOf(cited.title) ?? "", start_index: start, end_index: end }];
}

function logprobsIn(logprobs: Json | undefined): JsonObject[] {
	return tokensIn(objectOf(logprobs)?.content).map(([token, raw]) => {
		return { ...token, top_logprobs: tokensIn(raw.top_logprobs).map(([top]) => top) };
	});
}

/** The members that clients read, beside the token as it came. */
function tokensIn(list: Json | undefined): [JsonObject, JsonObject][] {
	return (listOf(list) ?? []).map((value) => {
		const raw = objectOf(value) ?? {};
		const token = stringOf(raw.token) ?? "";
		return [{ token, logprob: numberOf(raw.logprob) ?? 0, bytes: listOf(raw.bytes) ?? [] }, raw];
	});
}

/** Such an id was made for a provider that sent none, and is repeated from answer to answer. */
const MADE_ID = /^call_\d+$/;

function callItems(message: JsonObject, ulid: string, status: string): JsonObject[] {
	const old = objectOf(message.function_call);
	const calls = listOf(message.tool_calls) ?? (old === null ? [] : [{ type: "function", function: old }]);
	const ids = new Set<string>();
	return calls.flatMap((value, at) => {
		const call = objectOf(value) ?? {};
		const own = wordOf(call.id);
		const id = own === null || MADE_ID.test(own) || ids.has(own) ? `call_${ulid}_${at}` : own;
		ids.add(id);
		return callItem(call, id, `${ulid}_${at}`, status);
	});
}

function callItem(call: JsonObject, callId: string, name: string, status: string): JsonObject[] {
	const [named, custom] = [objectOf(call.function), objectOf(call.custom)];
	if (named !== null) {
		const args = stringOf(named.arguments) ?? "{}";
		const about = { call_id: callId, name: stringOf(named.name) ?? "", arguments: args };
		return [{ id: `fc_${name}`, type: "function_call", ...about, status }];
	}
	if (custom === null) return [];
	const about = { call_id: callId, name: stringOf(custom.name) ?? "", input: stringOf(custom.input) ?? "" };
	return [{ id: `ctc_${name}`, type: "custom_tool_call", ...about }];
}
