import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ChatCompletion } from "../../../shared/api/job.ts";
import { AppError } from "../../../shared/core/errors.ts";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import { isFinal } from "../../../shared/core/jobs/job-states.ts";
import { type RequestedRange, readByteRange } from "../../../shared/core/json/byte-range.ts";
import { verifyResultLink } from "../../../shared/crypto/result-link.ts";
import { openResult } from "../../../shared/storage/results.ts";
import { logError } from "../../log.ts";
import { callerOf } from "../auth/authenticate.ts";
import { rejectUnauthenticated } from "../auth/rate-limits.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, jsonResponse } from "../http/describe-route.ts";
import { isKnownVersion } from "../http/headers.ts";
import type { Caller, IntakeEnv } from "../services.ts";
import { findOwnJob } from "./load-job.ts";

const Query = z.strictObject({
	expires: z.string().optional().openapi({ description: "Part of the signed link in a webhook." }),
	signature: z.string().optional(),
});

const Headers = z.object({
	range: z.string().optional().openapi({ example: "bytes=0-1023", description: "One range of bytes." }),
	"if-range": z.string().optional(),
	"if-none-match": z.string().optional(),
});

const route = createRoute({
	operationId: "getJobResult",
	method: "get",
	path: "/v1/jobs/{id}/result",
	tags: ["Jobs"],
	summary: "Get the stored completion",
	description: "Takes a key with `jobs:read`, or the signed link of a webhook. Supports `Range` and `If-None-Match`.",
	security: [{ key: ["jobs:read"] }, {}],
	request: { params: idParams, query: Query, headers: Headers },
	responses: {
		200: jsonResponse("The completion, byte for byte as stored.", ChatCompletion),
		206: { description: "The requested range." },
		304: { description: "Unchanged: a stored result never changes." },
		...commonErrors,
		404: errorResponse("No such job."),
		409: errorResponse("`not_final`: the job is still open. `no_result`: it ended without a result."),
		416: errorResponse("The result does not have the requested range."),
	},
});

export const getResultRoute = newApp().openapi(route, async (c) => {
	c.set("caller", await readerOf(c, c.req.valid("query")));
	const job = await findOwnJob(c);
	if (!isFinal(job.status)) throw new AppError("not_final", "The job is not final yet.");
	const size = job.resultBytes;
	if (size === null) throw new AppError("no_result", `The job is ${job.status} and has no result.`);

	// The stored result of a job never changes, so its id identifies the bytes.
	const etag = `"${job.jobId}"`;
	c.header("etag", etag);
	if (isKnownVersion(c.req.header("if-none-match"), etag)) return c.body(null, 304);
	const range = rangeOf(c, etag, size);
	if (range.kind === "unsatisfiable") {
		c.header("content-range", `bytes */${size}`);
		throw new AppError("range_not_satisfiable", `The result has ${size} bytes.`);
	}
	const part = range.kind === "part" ? range : null;
	const body = c.req.method === "HEAD" ? null : await openOrRefuse(c, job, part);
	c.header("content-type", "application/json");
	c.header("content-length", String(part?.length ?? size));
	c.header("content-disposition", `attachment; filename="${job.jobId}.json"`);
	c.header("accept-ranges", "bytes");
	if (part === null) return c.newResponse(body, 200);
	c.header("content-range", `bytes ${part.offset}-${part.offset + part.length - 1}/${size}`);
	return c.newResponse(body, 206);
});

/** `Range` applies to GET only, and with `If-Range` only if that names this version (RFC 9110 §13.1.5, §14.2). */
function rangeOf(c: Context<IntakeEnv>, etag: string, size: number): RequestedRange {
	const applies = c.req.method === "GET" && (c.req.header("if-range") ?? etag) === etag;
	return readByteRange(applies ? (c.req.header("range") ?? null) : null, size);
}

/** A valid signed link reads on behalf of its tenant; any other request needs a key. */
async function readerOf(c: Context<IntakeEnv>, link: z.infer<typeof Query>): Promise<Caller> {
	const { services } = c.env;
	if (link.signature === undefined) return await callerOf(c, ["jobs:read"]);
	const signed = { jobId: c.req.param("id") ?? "", expires: link.expires ?? "", signature: link.signature };
	const { signingKeys, acceptsPreviousLinks } = services.config;
	const linkKeys = acceptsPreviousLinks ? signingKeys : signingKeys.slice(0, 1);
	const job = await verifyResultLink(services.runtime, linkKeys, signed);
	if (job === null) throw await rejectUnauthenticated(c, "This link is invalid or expired.");
	return { tenantId: job.tenantId, keyId: "", scopes: [], waits: 0 };
}

/** A succeeded job without a stored result is our fault: 503, never an empty 200. */
async function openOrRefuse(
	c: Context<IntakeEnv>,
	job: JobKey,
	part: { offset: number; length: number } | null,
): Promise<ReadableStream> {
	try {
		const body = await openResult(c.env.services.objects, job, part);
		if (body !== null) return body;
	} catch (error) {
		logError("result.read_failed", { jobId: job.jobId }, error);
		throw new AppError("storage_unavailable", "The result could not be read. Try again.");
	}
	// Erased since its row was read: 404.
	await findOwnJob(c);
	logError("result.lost", { jobId: job.jobId });
	throw new AppError("storage_unavailable", "The result could not be read. Try again.");
}
