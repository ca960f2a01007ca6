import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import type { JobKey } from "../../../shared/core/job.ts";
import { isFinal } from "../../../shared/core/job-states.ts";
import { serveResult } from "../../../shared/results/store-result.ts";
import { verifyResultLink } from "../../../shared/webhooks/result-link.ts";
import { logTrouble } from "../../log.ts";
import { newApp } from "../app.ts";
import { findOwnJob } from "../find-own-job.ts";
import { callerOf } from "../middleware/authenticate.ts";
import { commonErrors, errorAnswer, JobParams } from "../schemas.ts";
import type { Caller, IntakeEnv } from "../services.ts";

const Query = z.strictObject({
	expires: z.string().optional().openapi({ description: "Of a signed link, as a webhook gives it." }),
	signature: z.string().optional(),
});

const completion = {
	"application/json": { schema: z.object({}).loose().openapi({ description: "A chat completion." }) },
};

const route = createRoute({
	method: "get",
	path: "/v1/jobs/{id}/result",
	tags: ["Jobs"],
	summary: "Get the stored completion",
	description: "Takes a key with `jobs:read`, or the signed link of a webhook. Supports `Range` and `If-None-Match`.",
	request: { params: JobParams, query: Query },
	responses: {
		200: { description: "The completion, byte for byte as it was stored.", content: completion },
		206: { description: "The part that `Range` asked for." },
		304: { description: "Unchanged: a stored result never changes." },
		...commonErrors,
		404: errorAnswer("There is no such job."),
		409: errorAnswer("`not_final`: not yet; `no_result`: never."),
		416: errorAnswer("The result has no such range."),
	},
});

export const getResultRoute = newApp().openapi(route, async (c) => {
	c.set("caller", await readerOf(c, c.req.valid("query")));
	const job = await findOwnJob(c);
	if (!isFinal(job.status)) throw new AppError("not_final", "The job is not final yet.");
	if (job.status !== "succeeded") throw new AppError("no_result", `The job is ${job.status} and has no result.`);

	const object = await readOrRefuse(c, job);
	if (!("body" in object)) return new Response(null, { status: 304, headers: { etag: object.httpEtag } });
	const range = c.req.header("range") === undefined ? null : partOf(object);
	return new Response(object.body, {
		status: range === null ? 200 : 206,
		headers: {
			"content-type": "application/json",
			"content-length": String(range?.length ?? object.size),
			"content-disposition": `attachment; filename="${job.jobId}.json"`,
			"accept-ranges": "bytes",
			etag: object.httpEtag,
			...(range === null ? {} : { "content-range": `bytes ${range.offset}-${range.end}/${object.size}` }),
		},
	});
});

/** Whoever holds a signed link in force reads on its tenant's behalf; everybody else needs a key. */
async function readerOf(c: Context<IntakeEnv>, link: z.infer<typeof Query>): Promise<Caller> {
	const { services } = c.var;
	if (link.signature === undefined) return await callerOf(services, c.req.header("authorization"), "jobs:read");
	const signed = { jobId: c.req.param("id") ?? "", expires: link.expires ?? "", signature: link.signature };
	const job = await verifyResultLink(services.runtime, services.config.signingKeys, signed);
	if (job === null) throw new AppError("unauthorized", "This link is not valid, or its time is over.");
	return { tenantId: job.tenantId, keyId: "", scopes: [] };
}

/** A succeeded job without its object is our fault, and said so: never an empty 200. */
async function readOrRefuse(c: Context<IntakeEnv>, job: JobKey): Promise<R2ObjectBody | R2Object> {
	try {
		const object = await serveResult(c.var.services.results, job, c.req.raw.headers);
		if (object !== null) return object;
		logTrouble("result.missing", { jobId: job.jobId });
	} catch (error) {
		if (error instanceof RangeError) throw new AppError("range_not_satisfiable", "The result has no such range.");
		logTrouble("result.not_read", { jobId: job.jobId }, error);
	}
	throw new AppError("storage_unavailable", "The result could not be read: try again.");
}

/** The part that R2 gives for a `Range`, first and last byte included; null where it ignored the header. */
function partOf(object: R2Object): { offset: number; end: number; length: number } | null {
	const { range, size } = object;
	if (range === undefined) return null;
	const offset = "suffix" in range ? Math.max(0, size - range.suffix) : (range.offset ?? 0);
	const length = "suffix" in range ? size - offset : Math.min(range.length ?? size, size - offset);
	return { offset, end: offset + length - 1, length };
}
