/** Reads a provider's response off the wire, within limits of size and silence, and passes the bytes to the pure reader. */

import type { CompletionDefaults, ParsedResponse } from "../core/chat/completion.ts";
import { type ReaderState, ResponseReader } from "../core/chat/response-reader.ts";
import { type CallWatch, OVER } from "./call-watch.ts";

export interface SilenceLimits {
	/**
	 * From one piece of content to the next. Before the first, only the call's own time limit applies: models that reason first
	 * may be silent for minutes. Comments and pings, which keep the connection alive, do not count.
	 */
	idleMs: number;
	/** After every choice has ended: only the usage may follow, and not every provider sends it. */
	closingMs: number;
	/** In the body of an error: its status is enough. */
	errorMs: number;
}

/** Common clients allow 120 s between chunks. */
export const SILENCE_LIMITS: SilenceLimits = { idleMs: 120_000, closingMs: 15_000, errorMs: 5_000 };

/** The bodies of errors have a few hundred bytes. */
const ERROR_BODY_BYTES_MAX = 64 * 1024;

/** Reads a 2xx body until it ends, or until nothing more can change the classification. Never rejects. */
export async function readResponse(
	response: Response,
	about: { choicesRequested: number; defaults: CompletionDefaults },
	limits: SilenceLimits,
	watch: CallWatch,
	roomFor: (chars: number) => Promise<void> | null,
): Promise<{ parsed: ParsedResponse; excerpt: string | null }> {
	const saysEventStream = /\btext\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
	const reader = new ResponseReader({ ...about, saysEventStream });
	let progress = 0;
	let state: ReaderState = "reading";
	const isEnded = await eachChunk(response, watch, (bytes) => {
		state = reader.push(bytes);
		if (state === "closing") watch.expectWithin(limits.closingMs);
		else if (reader.progress > progress) watch.expectWithin(limits.idleMs);
		progress = reader.progress;
		const room = roomFor(reader.chars);
		return room === null ? state !== "settled" : readOn(room);
	});
	// The provider is not silent while it is not read.
	async function readOn(room: Promise<void>): Promise<boolean> {
		watch.allowSilence();
		await watch.wait(room);
		watch.expectWithin(state === "closing" ? limits.closingMs : limits.idleMs);
		return state !== "settled";
	}
	watch.allowSilence();
	return { parsed: reader.end(isEnded), excerpt: reader.excerpt };
}

/** The start of an error's body. If it cannot be read, the status is enough. */
export async function readErrorText(response: Response, limits: SilenceLimits, watch: CallWatch): Promise<string> {
	const decoder = new TextDecoder();
	let text = "";
	watch.expectWithin(limits.errorMs);
	await eachChunk(response, watch, (bytes) => {
		text += decoder.decode(bytes, { stream: true });
		return text.length < ERROR_BODY_BYTES_MAX;
	});
	watch.allowSilence();
	return text;
}

/** False: nothing more is read. A promise: nothing is read until it settles. */
type Take = (bytes: Uint8Array) => boolean | Promise<boolean>;

/** True: the body ended. False: it broke off, the call was given up, or `take` returned false. */
async function eachChunk(response: Response, watch: CallWatch, take: Take): Promise<boolean> {
	if (response.body === null) return true;
	const chunks = response.body.getReader();
	const isEnded = await takeAll(chunks, watch, take);
	// An open body occupies one of six connections.
	if (!isEnded) chunks.cancel(OVER).catch(() => undefined);
	return isEnded;
}

async function takeAll(chunks: ReadableStreamDefaultReader<unknown>, watch: CallWatch, take: Take): Promise<boolean> {
	try {
		for (;;) {
			const { done, value } = await watch.wait(chunks.read());
			if (done) return true;
			if (!(value instanceof Uint8Array)) throw new TypeError("a chunk of the body is not bytes");
			const mayGoOn = take(value);
			if (!(typeof mayGoOn === "boolean" ? mayGoOn : await mayGoOn)) return false;
		}
	} catch {
		// The network broke, or `watch.why` has the reason. What was read so far decides.
		return false;
	}
}
