/** The input of a job of the Responses API, as it is stored: the request as it was sent, and what it refers to. */
import { type Json, type JsonObject, listOf, objectOf, wordOf } from "../json/json.ts";
import type { JsonBody } from "../json/json-body.ts";
import type { ResponseInput } from "./request-to-chat.ts";

const encoder = new TextEncoder();

/**
 * Copied into the job once, so that no later end of an earlier Response changes what the model sees.
 * @param request the bytes of the request, which are kept as they are
 */
export function snapshotOf(request: Uint8Array, { context, referenced }: Omit<ResponseInput, "request">): Uint8Array {
	const items = [...referenced.values()];
	const references = items.length === 0 ? "" : `,"referenced":${JSON.stringify(items)}`;
	const head = encoder.encode('{"request":');
	const tail = encoder.encode(`,"context":${JSON.stringify(context)}${references}}`);
	const whole = new Uint8Array(head.byteLength + request.byteLength + tail.byteLength);
	whole.set(head);
	whole.set(request, head.byteLength);
	whole.set(tail, head.byteLength + request.byteLength);
	return whole;
}

/** Whether it is one. The body of a chat completion has messages. */
export function isSnapshot(input: JsonBody): boolean {
	return input.bytesOf("messages") === null && input.bytesOf("request") !== null;
}

export function readSnapshot(input: JsonBody): ResponseInput {
	const referenced = itemsIn(input.get("referenced")).map((item): [string, JsonObject] => [
		wordOf(item.id) ?? "",
		item,
	]);
	return {
		request: objectOf(input.get("request")) ?? {},
		context: itemsIn(input.get("context")),
		referenced: new Map(referenced),
	};
}

function itemsIn(list: Json | undefined): JsonObject[] {
	return (listOf(list) ?? []).map(objectOf).filter((item) => item !== null);
}
