/** Responds with JSON as it is stored, or with the part of it that `Range` requests. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import { type RequestedRange, readByteRange } from "../../../shared/core/json/byte-range.ts";
import { findJobSummary } from "../../../shared/db/jobs/find-job.ts";
import { logError } from "../../log.ts";
import { isKnownVersion } from "../http/headers.ts";
import type { IntakeEnv } from "../services.ts";
import { noSuchJob } from "./load-job.ts";

export const rangeHeaders = z.object({
	range: z.string().optional().openapi({ example: "bytes=0-1023", description: "One range of bytes." }),
	"if-range": z.string().optional(),
	"if-none-match": z.string().optional(),
});

type Part = { offset: number; length: number } | null;

interface StoredBody {
	jobId: string;
	what: "input" | "result";
	size: number;
	/** Null: there is none. */
	open(part: Part): Promise<Body | null>;
}

type Body = ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>;

export async function respondWithStored(c: Context<IntakeEnv>, stored: StoredBody): Promise<Response> {
	const { jobId, what, size } = stored;
	// Neither input nor result of a job ever changes, so its id identifies the bytes.
	const etag = `"${jobId}"`;
	c.header("etag", etag);
	if (isKnownVersion(c.req.header("if-none-match"), etag)) return c.body(null, 304);
	const range = rangeOf(c, etag, size);
	if (range.kind === "unsatisfiable") {
		c.header("content-range", `bytes */${size}`);
		throw new AppError("range_not_satisfiable", `The ${what} has ${size} bytes.`);
	}
	const part = range.kind === "part" ? range : null;
	const body = c.req.method === "HEAD" ? null : await openOrRefuse(c, stored, () => stored.open(part));
	c.header("content-type", "application/json");
	c.header("content-length", String(part?.length ?? size));
	c.header("content-disposition", `attachment; filename="${jobId}${what === "input" ? ".input" : ""}.json"`);
	c.header("accept-ranges", "bytes");
	if (part === null) return c.newResponse(body, 200);
	c.header("content-range", `bytes ${part.offset}-${part.offset + part.length - 1}/${size}`);
	return c.newResponse(body, 206);
}

/** `Range` applies to GET only, and with `If-Range` only if that names this version (RFC 9110 §13.1.5, §14.2). */
function rangeOf(c: Context<IntakeEnv>, etag: string, size: number): RequestedRange {
	const applies = c.req.method === "GET" && (c.req.header("if-range") ?? etag) === etag;
	return readByteRange(applies ? (c.req.header("range") ?? null) : null, size);
}

/** What the job's row says is stored, and is not, is our fault: 503, never an empty 200. */
export async function openOrRefuse<Opened>(
	c: Context<IntakeEnv>,
	{ jobId, what }: Pick<StoredBody, "jobId" | "what">,
	open: () => Promise<Opened | null>,
): Promise<Opened> {
	const refusal = new AppError("storage_unavailable", `The ${what} could not be read. Try again.`);
	try {
		const opened = await open();
		if (opened !== null) return opened;
	} catch (error) {
		logError(`${what}.read_failed`, { jobId }, error);
		throw refusal;
	}
	// Erased since its row was read: 404.
	if ((await findJobSummary(c.env.services.db, { tenantId: c.var.caller.tenantId, jobId })) === null) throw noSuchJob();
	logError(`${what}.lost`, { jobId });
	throw refusal;
}
