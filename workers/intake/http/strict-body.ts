/** Reads a JSON body once, with strict parsing. The limit applies to the bytes read: `Content-Length` may be wrong. */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { AppError } from "../../../shared/core/errors.ts";
import type { Json } from "../../../shared/core/json/json.ts";
import { BODY_LIMITS, parseStrictJson } from "../../../shared/core/json/strict-json.ts";
import type { IntakeEnv } from "../services.ts";

/** A context of a million tokens is 4 to 6 MB of text. */
const BODY_BYTES_MAX = 16 * 1024 * 1024;

/** Replaces the request's `json()`, so that routes validate what this middleware has read. */
function strictBody(isRequired: boolean) {
	return createMiddleware<IntakeEnv>(async function readStrictBody(c, next) {
		const bytes = await readBounded(c.req.raw.body);
		c.set("rawBody", bytes);
		const isThere = bytes.byteLength > 0;
		if (isThere || isRequired) checkMediaType(c);
		const value = isThere || isRequired ? parse(bytes) : {};
		c.set("body", value);
		Object.defineProperty(c.req, "json", { value: async () => value });
		// The framework checks for a body first, and would find that this one is read already.
		Object.defineProperty(c.req, "arrayBuffer", { value: async () => bytes.buffer });
		await next();
	});
}

export const requireBody = strictBody(true);
export const allowBody = strictBody(false);

function checkMediaType(c: Context): void {
	const type = c.req.header("content-type") ?? "";
	if (!/^application\/json\s*(;\s*charset=("?)utf-8\2\s*)?$/i.test(type)) {
		throw new AppError("unsupported_media_type", "Send the body as `Content-Type: application/json`, in UTF-8.");
	}
	if (c.req.header("content-encoding") !== undefined) {
		throw new AppError("unsupported_media_type", "Send the body without a Content-Encoding.");
	}
}

function parse(bytes: Uint8Array): Json {
	const parsed = parseStrictJson(bytes, BODY_LIMITS);
	if (parsed.ok) return parsed.value;
	const { message, path } = parsed.problem;
	throw new AppError("invalid_request", message, path === "" ? null : path);
}

async function readBounded(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array<ArrayBuffer>> {
	if (stream === null) return new Uint8Array();
	const chunks: Uint8Array[] = [];
	let length = 0;
	const reader = stream.getReader();
	for (let read = await reader.read(); read.value !== undefined; read = await reader.read()) {
		length += read.value.byteLength;
		if (length > BODY_BYTES_MAX) {
			reader.cancel().catch(() => undefined);
			throw new AppError("payload_too_large", `The body must be at most ${BODY_BYTES_MAX} bytes.`);
		}
		chunks.push(read.value);
	}
	const whole = new Uint8Array(length);
	let at = 0;
	for (const chunk of chunks) {
		whole.set(chunk, at);
		at += chunk.byteLength;
	}
	return whole;
}
