/**
 * Reads a 2xx body as it comes, byte by byte if need be, and says what it came to: one JSON object or a stream of events,
 * which the body itself tells better than its content type does. No clock and no I/O: whoever feeds it watches the time.
 */

import type { Json } from "../json/json.ts";
import { parseJson } from "../json/json-guards.ts";
import type { Usage } from "../upstreams/failures.ts";
import { bodyOf, EMPTY_STREAM, foldChunk, isWhole, type StreamSoFar } from "./assemble-stream.ts";
import { type CompletionDefaults, type ParsedResponse, readCompletion } from "./completion.ts";
import { readStreamEvent } from "./provider-streams.ts";
import { type SseEvent, SseReader } from "./sse.ts";
import { readUsage } from "./token-usage.ts";

/**
 * Longest answer, in characters: as much as we accept of a prompt, and three times the 1,000,000 tokens of the largest
 * models. While it is read an answer lives as text, as objects and as text again, some five times its size in all: more
 * than this would not fit beside its neighbours in an isolate's 128 MB.
 */
export const REPLY_CHARS_MAX = 16 * 1024 * 1024;

export interface ResponseReaderOptions {
	/** The provider says `text/event-stream`. Decides where the body's first characters do not. */
	saysEventStream: boolean;
	/** The request's `n`. */
	choicesRequested: number;
	defaults: CompletionDefaults;
	charsMax?: number;
}

/**
 * `reading`: more is to come. `closing`: a stream gave every choice its end, and only the usage may follow.
 * `settled`: nothing more can change the classification, so stop the provider.
 */
export type ReaderState = "reading" | "closing" | "settled";

const SSE_START = /^(?::|(?:data|event|id|retry):)/;
/** Enough characters to tell `event:` from anything else. */
const SNIFFED_CHARS = 6;

export class ResponseReader {
	readonly #options: ResponseReaderOptions;
	readonly #charsMax: number;
	readonly #decoder = new TextDecoder();
	readonly #sse = new SseReader();
	#kind: "unknown" | "text" | "stream" = "unknown";
	/** The body so far; of a stream, only what came before it was known to be one. */
	#text = "";
	#stream: StreamSoFar = EMPTY_STREAM;
	#error: { body: Json } | null = null;
	#isGarbled = false;
	#isTooLong = false;
	#progress = 0;

	constructor(options: ResponseReaderOptions) {
		this.#options = options;
		this.#charsMax = options.charsMax ?? REPLY_CHARS_MAX;
	}

	/** Grows with what the provider says, not with blanks, comments and pings that keep the connection alive. */
	get progress(): number {
		return this.#progress;
	}

	push(bytes: Uint8Array): ReaderState {
		this.#take(this.#decoder.decode(bytes, { stream: true }), false);
		return this.#state();
	}

	/** The classification. `isEnded`: the body came to its own end, rather than being cut or given up on. */
	end(isEnded: boolean): ParsedResponse {
		this.#take(this.#decoder.decode(), true);
		if (this.#isTooLong) return { kind: "unreadable", why: "The answer is too long to keep.", usage: this.#usage() };
		return this.#kind === "stream" ? this.#parsedStream() : this.#parsedText(isEnded);
	}

	#state(): ReaderState {
		if (this.#isTooLong || this.#error !== null || this.#stream.isDone) return "settled";
		return isWhole(this.#stream, this.#options.choicesRequested) ? "closing" : "reading";
	}

	#take(text: string, isLast: boolean): void {
		if (this.#kind === "stream") {
			this.#takeEvents(text, isLast);
			return;
		}
		// Blanks before an answer keep the connection alive.
		this.#text = this.#text === "" ? text.trimStart() : this.#text + text;
		if (this.#kind === "unknown" && this.#text !== "") this.#kind = this.#sniff(isLast);
		if (this.#kind === "stream") {
			const held = this.#text;
			this.#text = "";
			this.#takeEvents(held, isLast);
			return;
		}
		this.#progress = this.#text.length;
		this.#isTooLong ||= this.#text.length > this.#charsMax;
	}

	#sniff(isLast: boolean): "unknown" | "text" | "stream" {
		if (/^[{[]/.test(this.#text)) return "text";
		if (this.#options.saysEventStream || SSE_START.test(this.#text)) return "stream";
		return isLast || this.#text.length >= SNIFFED_CHARS ? "text" : "unknown";
	}

	#takeEvents(text: string, isLast: boolean): void {
		for (const event of this.#sse.push(text)) this.#fold(event);
		if (isLast) for (const event of this.#sse.end()) this.#fold(event);
		this.#isTooLong ||= Math.max(this.#stream.chars, this.#sse.pendingChars) > this.#charsMax;
	}

	#fold(event: SseEvent): void {
		// Behind the end or an error nothing counts.
		if (this.#stream.isDone || this.#error !== null) return;
		const said = readStreamEvent(event);
		switch (said.kind) {
			case "chunk":
				this.#stream = foldChunk(this.#stream, said.chunk);
				this.#progress = this.#stream.chars;
				return;
			case "done":
				this.#stream = { ...this.#stream, isDone: true };
				return;
			case "error":
				this.#error = { body: said.body };
				return;
			case "garbled":
				this.#isGarbled = true;
				return;
			case "nothing":
				return;
		}
	}

	#parsedStream(): ParsedResponse {
		const usage = this.#usage();
		if (isWhole(this.#stream, this.#options.choicesRequested)) {
			if (this.#isGarbled) return { kind: "unreadable", why: "An event of the answer is not JSON.", usage };
			return readCompletion(bodyOf(this.#stream), this.#options.defaults);
		}
		if (this.#error !== null) return { kind: "error", body: this.#error.body, usage };
		return { kind: "cut", why: "The stream stopped before its end.", usage };
	}

	#parsedText(isEnded: boolean): ParsedResponse {
		const cut: ParsedResponse = { kind: "cut", why: "The answer stopped before its end.", usage: null };
		if (this.#text === "") return { ...cut, why: "The answer is empty." };
		const body = parseJson(this.#text);
		if (body !== undefined) return readCompletion(body, this.#options.defaults);
		if (!isEnded || isCutJson(this.#text)) return cut;
		return { kind: "unreadable", why: "The answer is not JSON.", usage: null };
	}

	#usage(): Usage | null {
		return readUsage(this.#stream.usage ?? undefined);
	}
}

/** Whether text that is no JSON began as an object or array and simply stops: within a string, or with brackets open. */
export function isCutJson(text: string): boolean {
	if (!/^\s*[{[]/.test(text)) return false;
	let depth = 0;
	let isInString = false;
	for (let at = 0; at < text.length; at++) {
		const char = text[at];
		if (isInString) {
			if (char === "\\") at++;
			else if (char === '"') isInString = false;
		} else if (char === '"') isInString = true;
		else if (char === "{" || char === "[") depth++;
		else if (char === "}" || char === "]") depth--;
	}
	return isInString || depth > 0;
}
