/** Ways in which a provider answers one call. */
import type { ServerResponse } from "node:http";
import { ending, piece, sseOf } from "./model-calls.ts";

/** It may leave the call open for ever. */
export type Answer = (response: ServerResponse) => void;

export const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

export function completion(content: string) {
	return {
		id: "chatcmpl-1",
		object: "chat.completion",
		created: 1_790_000_000,
		model: "as-served",
		choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
		usage: USAGE,
	};
}

/** @param body a chat completion, or whatever else the provider says with a 200 */
export function answering(body: object): Answer {
	return (response) => send(response, 200, body);
}

export function refusing(status: number, error: object, headers: Record<string, string> = {}): Answer {
	return (response) => send(response, status, { error }, headers);
}

export function answeringText(status: number, text: string, type = "application/json"): Answer {
	return (response) => {
		response.writeHead(status, { "content-type": type }).end(text);
	};
}

/** Answers no sooner than that: a call in flight is there for others to see. */
export function slowly(afterMs: number, answer: Answer): Answer {
	return (response) => {
		setTimeout(() => answer(response), afterMs);
	};
}

/** Never says anything. */
export const silence: Answer = () => undefined;

/** A whole stream. */
export function streaming(...pieces: string[]): Answer {
	return (response) => {
		begin(response, pieces);
		response.end(`${sseOf(ending, { choices: [], usage: USAGE })}data: [DONE]\n\n`);
	};
}

/** A stream whose connection breaks after these pieces. */
export function breakingAfter(...pieces: string[]): Answer {
	return (response) => begin(response, pieces, () => response.destroy());
}

/** A stream that closes in good order, but without an end to its choice. */
export function endingAfter(...pieces: string[]): Answer {
	return (response) => {
		begin(response, pieces);
		response.end();
	};
}

/** A stream that says nothing more after these pieces. */
export function stallingAfter(...pieces: string[]): Answer {
	return (response) => begin(response, pieces);
}

function begin(response: ServerResponse, pieces: string[], onWritten = () => {}): void {
	response.writeHead(200, { "content-type": "text/event-stream" });
	response.write(sseOf(...pieces.map(piece)), onWritten);
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
	response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
