/**
 * Reads a JSON body once, with strict parsing. Its limit applies to the bytes read: `Content-Length` may be wrong. A large body is
 * read only while the isolate has memory for it.
 */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { AppError } from "../../../shared/core/errors.ts";
import type { Json } from "../../../shared/core/json/json.ts";
import { JsonBody } from "../../../shared/core/json/json-body.ts";
import { BODY_LIMITS, parseStrictJson } from "../../../shared/core/json/strict-json.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import type { IntakeEnv } from "../services.ts";
import { BodyReader } from "./body-reader.ts";

interface Rules {
	isRequired: boolean;
	bytesMax: number;
	/** Whether the body has an `input`, which is stored as it is. */
	hasInput: boolean;
}

const KIB = 1024;
/** A context of a million tokens is 4 to 6 MB of text. */
const SUBMISSION_BYTES_MAX = 16 * KIB * KIB;

/** Replaces the request's `json()`, so that routes validate what this middleware has read. */
function strictBody(rules: Rules) {
	return createMiddleware<IntakeEnv>(async function readStrictBody(c, next) {
		const { memory, runtime } = c.env.services;
		const body = new BodyReader(memory, runtime, rules.bytesMax);
		try {
			// In front of the bytes: what else makes the request the same as another. So both are hashed without a copy.
			const prefix = rules.hasInput ? utf8(`${c.req.method} ${c.req.path}\n`) : new Uint8Array();
			const whole = await body.read(c.req.raw, prefix);
			const bytes = whole.subarray(prefix.byteLength);
			const isThere = bytes.byteLength > 0;
			if (isThere || rules.isRequired) checkMediaType(c);
			const value = isThere || rules.isRequired ? parse(bytes, rules, body) : {};
			if (rules.hasInput) {
				const readInput = () => (isThere ? new JsonBody(bytes).bytesOf("input") : null);
				c.set("submission", { fingerprinted: whole, readInput, release: () => release(c, body) });
			}
			Object.defineProperty(c.req, "json", { value: async () => value });
			// The framework only looks whether there is a body, and would find that this one is read already.
			Object.defineProperty(c.req, "arrayBuffer", { value: async () => new ArrayBuffer(isThere ? 1 : 0) });
			await next();
		} finally {
			release(c, body);
		}
	});
}

/** A caller may wait long for the job when its body is no longer needed. */
function release(c: Context<IntakeEnv>, body: BodyReader): void {
	c.set("submission", null);
	body.release();
}

export const requireSubmission = strictBody({ isRequired: true, bytesMax: SUBMISSION_BYTES_MAX, hasInput: true });
export const allowSubmission = strictBody({ isRequired: false, bytesMax: SUBMISSION_BYTES_MAX, hasInput: true });
export const requireBody = strictBody({ isRequired: true, bytesMax: 64 * KIB, hasInput: false });
/** Some of the fields that a creation has. */
export const allowChange = strictBody({ isRequired: false, bytesMax: 64 * KIB, hasInput: false });
/** `{}`, or a few fields. */
export const allowBody = strictBody({ isRequired: false, bytesMax: 4 * KIB, hasInput: false });

function checkMediaType(c: Context): void {
	const type = c.req.header("content-type") ?? "";
	if (!/^application\/json\s*(;\s*charset=("?)utf-8\2\s*)?$/i.test(type)) {
		throw new AppError("unsupported_media_type", "Send the body as `Content-Type: application/json`, in UTF-8.");
	}
	if (c.req.header("content-encoding") !== undefined) {
		throw new AppError("unsupported_media_type", "Send the body without a Content-Encoding.");
	}
}

function parse(bytes: Uint8Array, { hasInput }: Rules, body: BodyReader): Json {
	const limits = { ...BODY_LIMITS, shortened: hasInput ? "input" : null };
	const parsed = parseStrictJson(bytes, limits, (scanned) => body.claimFor(scanned));
	if (parsed.ok) return parsed.value;
	const { message, path } = parsed.problem;
	throw new AppError("invalid_request", message, path === "" ? null : path);
}
