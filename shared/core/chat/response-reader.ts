/**
 * Parses a 2xx body as it arrives: one JSON object or a stream of events. The body itself decides which, because content
 * types are unreliable. No clock and no I/O: the caller enforces the time limits.
 */

import type { Json } from "../json/json.ts";
import { readJson } from "../json/split-json.ts";
import type { Usage } from "../upstreams/failures.ts";
import {
	bodyOf,
	EMPTY_STREAM,
	foldChunk,
	isEnded,
	isFinished,
	type StreamState,
	saysNothing,
} from "./assemble-stream.ts";
import { type CompletionDefaults, type ParsedResponse, readCompletion } from "./completion.ts";
import { mayHoldText, readStreamEvents, type StreamEvent } from "./provider-streams.ts";
import { type SseEvent, SseReader } from "./sse.ts";
import { readUsage } from "./token-usage.ts";

/**
 * The longest response, in characters: the limit of a request body, and three times the 1,000,000 tokens of the largest
 * models. While it is parsed, a response exists as text, as objects and as text again, about five times its size in all. A
 * longer one would not fit beside other calls in an isolate's 128 MB.
 */
export const RESPONSE_CHARS_MAX = 16 * 1024 * 1024;

export interface ResponseReaderOptions {
	/** Whether the content type is `text/event-stream`. Decides only if the body's first characters do not. */
	saysEventStream: boolean;
	/** The request's `n`. */
	choicesRequested: number;
	defaults: CompletionDefaults;
	charsMax?: number;
}

/**
 * `reading`: more is to come. `closing`: a stream ended every choice, and only the usage should follow. `settled`: nothing more
 * can change the outcome, so the caller ends the call.
 */
export type ReaderState = "reading" | "closing" | "settled";

const SSE_START = /^(?::|(?:data|event|id|retry|error):)/;
/** Enough characters to distinguish `event:` from anything else. */
const SNIFFED_CHARS = 6;

/** How much of a response is shown that could not be stored. */
const EXCERPT_BYTES = 2_048;

/** Nothing was said or counted: a provider that cannot stream a request may respond so. */
const EMPTY: ParsedResponse = { kind: "nothing", why: "The response is empty.", usage: null, isEmpty: true };

export class ResponseReader {
	readonly #options: ResponseReaderOptions;
	readonly #charsMax: number;
	readonly #decoder = new TextDecoder();
	readonly #sse = new SseReader();
	#kind: "unknown" | "text" | "stream" = "unknown";
	/** The body so far. Of a stream, only the text received before it was recognised as one. */
	#text = "";
	#stream: StreamState = EMPTY_STREAM;
	#error: { body: Json } | null = null;
	#isGarbled = false;
	#isTooLong = false;
	#progress = 0;
	#start = new Uint8Array();

	constructor(options: ResponseReaderOptions) {
		this.#options = options;
		this.#charsMax = options.charsMax ?? RESPONSE_CHARS_MAX;
	}

	/** Grows with content. Blanks, comments and pings, which keep the connection alive, do not count. */
	get progress(): number {
		return this.#progress;
	}

	/** Characters that are held. */
	get chars(): number {
		return Math.max(this.#text.length, this.#stream.chars, this.#sse.pendingChars);
	}

	/** The start of the response, as it came. Null: nothing came. */
	get excerpt(): string | null {
		const text = new TextDecoder().decode(this.#start, { stream: true });
		// Control characters, which a binary response is full of, would take six bytes each in JSON.
		return text === "" ? null : text.replace(/[^\P{Cc}\n\t]/gu, " ");
	}

	push(bytes: Uint8Array): ReaderState {
		const room = EXCERPT_BYTES - this.#start.byteLength;
		if (room > 0) this.#start = joined(this.#start, bytes.subarray(0, room));
		this.#take(this.#decoder.decode(bytes, { stream: true }), false);
		return this.#state();
	}

	/** The outcome. `isBodyEnded`: the body ended by itself; it was not cut or aborted. */
	end(isBodyEnded: boolean): ParsedResponse {
		this.#take(this.#decoder.decode(), true);
		if (this.#isTooLong)
			return { kind: "unreadable", why: "The response is longer than 16 MiB.", usage: this.#usage() };
		return this.#kind === "stream" ? this.#parsedStream(isBodyEnded) : this.#parsedText(isBodyEnded);
	}

	#state(): ReaderState {
		if (this.#isTooLong || this.#error !== null || this.#stream.isDone) return "settled";
		return isEnded(this.#stream, this.#options.choicesRequested) ? "closing" : "reading";
	}

	#take(text: string, isLast: boolean): void {
		if (this.#kind === "stream") {
			this.#takeEvents(text, isLast);
			return;
		}
		// Blanks before the body keep the connection alive.
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
		for (const read of readStreamEvents(event)) this.#foldOne(read);
	}

	#foldOne(read: StreamEvent): void {
		// Nothing counts after the end or an error.
		if (this.#stream.isDone || this.#error !== null) return;
		switch (read.kind) {
			case "chunk":
				this.#stream = foldChunk(this.#stream, read.chunk);
				this.#progress = this.#stream.chars;
				return;
			case "done":
				this.#stream = { ...this.#stream, isDone: true };
				return;
			case "error":
				this.#error = { body: read.body };
				return;
			case "garbled":
				this.#isGarbled = true;
				return;
		}
	}

	/** Finish reasons that may not be the end are the end of a stream whose connection ended behind them. */
	#parsedStream(isBodyEnded: boolean): ParsedResponse {
		const usage = this.#usage();
		const { choicesRequested } = this.#options;
		const isAtEnd = isEnded(this.#stream, choicesRequested);
		const isNothing = saysNothing(this.#stream);
		if (!isNothing && (isAtEnd || (isBodyEnded && isFinished(this.#stream, choicesRequested)))) {
			if (this.#isGarbled) return { kind: "unreadable", why: "An event of the stream is not JSON.", usage };
			return readCompletion(bodyOf(this.#stream), this.#options.defaults);
		}
		if (this.#error !== null) return { kind: "error", body: this.#error.body, usage };
		if (isNothing && !this.#isGarbled && (this.#stream.isDone || isBodyEnded)) {
			const read = readCompletion(bodyOf(this.#stream), this.#options.defaults);
			return read.kind === "error" ? read : EMPTY;
		}
		return { kind: "cut", why: "The stream stopped before its end.", usage };
	}

	#parsedText(isBodyEnded: boolean): ParsedResponse {
		const cut: ParsedResponse = { kind: "cut", why: "The response stopped before its end.", usage: null };
		if (this.#text === "") return isBodyEnded ? EMPTY : cut;
		// Of JSON text sequences: no JSON has it within.
		if (this.#text.startsWith("\x1e")) this.#text = this.#text.replaceAll("\x1e", "").trimStart();
		const body = readJson(this.#text);
		if (body !== undefined && !Array.isArray(body)) return readCompletion(body, this.#options.defaults);
		// Some servers send the chunks of a stream without its framing.
		const isJson = /^[[{]/.test(this.#text);
		if (isJson) this.#fold({ event: "", data: this.#text });
		if (!saysNothing(this.#stream) || this.#error !== null) return this.#parsedStream(isBodyEnded);
		if (!isBodyEnded || isCutJson(this.#text)) return cut;
		if (isJson && mayHoldText(this.#text)) return { kind: "unreadable", why: "The response is not JSON.", usage: null };
		return { kind: "nothing", why: "The response is no answer, and not JSON.", usage: null, isEmpty: false };
	}

	#usage(): Usage | null {
		return readUsage(this.#stream.usage ?? undefined);
	}
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
	const both = new Uint8Array(first.byteLength + second.byteLength);
	both.set(first);
	both.set(second, first.byteLength);
	return both;
}

/** Whether text that is not valid JSON is an object or array that stops early: inside a string, or with open brackets. */
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
