/**
 * Reads a JSON body once, with strict parsing. Its limit applies to the bytes read: `Content-Length` may be wrong. A large body is
 * read only while the isolate has memory for it.
 */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { AppError } from "../../../shared/core/errors.ts";
import type { Json } from "../../../shared/core/json/json.ts";
import { JsonScanner } from "../../../shared/core/json/json-scanner.ts";
import { BODY_LIMITS, parseStrictJson } from "../../../shared/core/json/strict-json.ts";
import { toHex, utf8 } from "../../../shared/crypto/bytes.ts";
import type { IntakeEnv } from "../services.ts";
import { BodyReader } from "./body-reader.ts";
import { releaseAfter } from "./release.ts";

interface Rules {
	isRequired: boolean;
	bytesMax: number;
	/** What is stored as it is: the body's member `input`, or the body as a whole. */
	input: "member" | "body" | null;
}

const KIB = 1024;
/** A context of a million tokens is 4 to 6 MB of text. */
const SUBMISSION_BYTES_MAX = 16 * KIB * KIB;

/** Replaces the request's `json()`, so that routes validate what this middleware has read. */
function strictBody(rules: Rules) {
	return createMiddleware<IntakeEnv>(async function readStrictBody(c, next) {
		const { memory, runtime } = c.env.services;
		const body = new BodyReader(memory, runtime, rules.bytesMax);
		const scanner = new JsonScanner({ ...BODY_LIMITS, member: rules.input === "member" ? "input" : null });
		const releaseBody = () => release(c, body);
		await releaseAfter(c, releaseBody, async () => {
			const digest = isRepeatable(c, rules) ? runtime.startDigest() : null;
			await digest?.add(utf8(`${c.req.method} ${c.req.path}\n`));
			const bytes = await body.read(c.req.raw, scanner, digest);
			const isThere = bytes.byteLength > 0;
			if (isThere || rules.isRequired) checkMediaType(c);
			const value = isThere || rules.isRequired ? parse(bytes, scanner, body) : {};
			if (rules.input !== null) {
				const fingerprint = digest === null ? null : toHex(new Uint8Array(await digest.end()));
				const member = scanner.member === null ? null : bytes.subarray(scanner.member.start, scanner.member.end);
				const input = rules.input === "body" ? bytes : member;
				c.set("submission", { fingerprint, input, release: releaseBody });
			}
			Object.defineProperty(c.req, "json", { value: async () => value });
			// The framework only looks whether there is a body, and would find that this one is read already.
			Object.defineProperty(c.req, "arrayBuffer", { value: async () => new ArrayBuffer(isThere ? 1 : 0) });
			await next();
		});
	});
}

/** A caller may wait long for the job when its body is no longer needed. */
function release(c: Context<IntakeEnv>, body: BodyReader): void {
	c.set("submission", null);
	body.release();
}

export const requireSubmission = strictBody({ isRequired: true, bytesMax: SUBMISSION_BYTES_MAX, input: "member" });
/** The body of an OpenAI-compatible route, which is the input itself. */
export const requireDoorBody = strictBody({ isRequired: true, bytesMax: SUBMISSION_BYTES_MAX, input: "body" });
export const allowSubmission = strictBody({ isRequired: false, bytesMax: SUBMISSION_BYTES_MAX, input: "member" });
export const requireBody = strictBody({ isRequired: true, bytesMax: 64 * KIB, input: null });
/** An API key, from a sender that is not known yet. */
export const requireSmallBody = strictBody({ isRequired: true, bytesMax: KIB, input: null });
/** Some of the fields that a creation has. */
export const allowChange = strictBody({ isRequired: false, bytesMax: 64 * KIB, input: null });
/** `{}`, or a few fields. */
export const allowBody = strictBody({ isRequired: false, bytesMax: 4 * KIB, input: null });

/** Whether the same request may come again, and would be recognised by its fingerprint. Doors are for clients that retry. */
function isRepeatable(c: Context, { input }: Rules): boolean {
	return (
		input === "body" ||
		(input === "member" &&
			["idempotency-key", "x-stainless-retry-count"].some((name) => c.req.header(name) !== undefined))
	);
}

function checkMediaType(c: Context): void {
	const type = c.req.header("content-type") ?? "";
	if (!/^application\/json\s*(;\s*charset=("?)utf-8\2\s*)?$/i.test(type)) {
		throw new AppError("unsupported_media_type", "Send the body as `Content-Type: application/json`, in UTF-8.");
	}
	if (c.req.header("content-encoding") !== undefined) {
		throw new AppError("unsupported_media_type", "Send the body without a Content-Encoding.");
	}
}

function parse(bytes: Uint8Array, scanner: JsonScanner, body: BodyReader): Json {
	const parsed = parseStrictJson(bytes, scanner, (scanned) => body.claimFor(scanned));
	if (parsed.ok) return parsed.value;
	const { message, path } = parsed.problem;
	throw new AppError("invalid_request", message, path === "" ? null : path);
}
