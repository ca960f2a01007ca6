/** JSON with stored JSON in it, which is copied as it is: parsed, it would take a multiple of its size in memory. */
import type { Context, TypedResponse } from "hono";
import type { JSONParsed } from "hono/utils/types";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { logError } from "../../log.ts";
import { byteStream } from "../http/byte-stream.ts";
import type { IntakeEnv } from "../services.ts";

type Opened = ReadableStream<Uint8Array> | Uint8Array;

/** What is stored, or how to open it when its turn comes. */
export type Stored = Opened | (() => Promise<Opened>);

/** The pieces of an object: `value` as JSON, with more members at its end. A member without pieces is null. */
export function spliced(value: object, members: Record<string, Stored[] | null>): Stored[] {
	const text = JSON.stringify(value);
	const added = Object.entries(members).flatMap(([name, pieces]) => [
		utf8(`,${JSON.stringify(name)}:`),
		...(pieces ?? [utf8("null")]),
	]);
	return [utf8(text.slice(0, -1)), ...added, utf8("}")];
}

/** The pieces of an array, of the pieces of its items. */
export function splicedList(items: Stored[][]): Stored[] {
	return [utf8("["), ...items.flatMap((item, at) => (at === 0 ? item : [utf8(","), ...item])), utf8("]")];
}

/** Trusts the caller that the pieces are a `Body`, as its schema describes it. */
export function jsonOf<Body>(
	c: Context<IntakeEnv>,
	pieces: Stored[],
): Response & TypedResponse<JSONParsed<Body>, 200, "json"> {
	c.header("content-type", "application/json");
	const response: Response = c.newResponse(
		byteStream(chunksOf(pieces, c.env.requestId), () => cancelUnread(pieces)),
		200,
	);
	return response as Response & TypedResponse<JSONParsed<Body>, 200, "json">;
}

/** A stream among the pieces is read only when the reader has come to it. */
async function* chunksOf(pieces: Stored[], requestId: string): AsyncGenerator<Uint8Array, undefined> {
	try {
		for (const piece of pieces) {
			const opened = typeof piece === "function" ? await piece() : piece;
			if (opened instanceof Uint8Array) yield opened;
			else for await (const chunk of opened) yield chunk;
		}
	} catch (error) {
		logError("response.read_failed", { requestId }, error);
		await cancelUnread(pieces);
		throw error;
	}
}

/** A stream that is being read is cancelled by its reader. */
export async function cancelUnread(pieces: Stored[]): Promise<void> {
	await Promise.allSettled(
		pieces.map((piece) => (piece instanceof ReadableStream && !piece.locked ? piece.cancel() : null)),
	);
}
