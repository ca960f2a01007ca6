import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ChatCompletion } from "../../../shared/api/job.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { isFinal } from "../../../shared/core/jobs/job-states.ts";
import { verifyResultLink } from "../../../shared/crypto/result-link.ts";
import { openResult } from "../../../shared/storage/results.ts";
import { callerOf } from "../auth/authenticate.ts";
import { checkTenantRate, rejectUnauthenticated } from "../auth/rate-limits.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, jsonResponse } from "../http/describe-route.ts";
import type { Caller, IntakeEnv } from "../services.ts";
import { findOwnJob } from "./load-job.ts";
import { rangeHeaders, respondWithStored } from "./stored-body.ts";

const Query = z.strictObject({
	expires: z.string().optional().openapi({ description: "Part of the signed link in a webhook." }),
	signature: z.string().optional(),
});

const route = createRoute({
	operationId: "getJobResult",
	method: "get",
	path: "/v1/jobs/{id}/result",
	tags: ["Jobs"],
	summary: "Get the stored completion",
	description: "Takes a key with `jobs:read`, or the signed link of a webhook. Supports `Range` and `If-None-Match`.",
	security: [{ key: ["jobs:read"] }, { session: ["jobs:read"] }, {}],
	request: { params: idParams, query: Query, headers: rangeHeaders },
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

	return await respondWithStored(c, {
		jobId: job.jobId,
		what: "result",
		size,
		open: (part) => openResult(c.env.services.objects, job, part),
	});
});

/** A valid signed link reads on behalf of its tenant; any other request needs a key. */
async function readerOf(c: Context<IntakeEnv>, link: z.infer<typeof Query>): Promise<Caller> {
	const { services } = c.env;
	if (link.signature === undefined) return await callerOf(c, ["jobs:read"]);
	const signed = { jobId: c.req.param("id") ?? "", expires: link.expires ?? "", signature: link.signature };
	const { signingKeys, acceptsPreviousLinks } = services.config;
	const linkKeys = acceptsPreviousLinks ? signingKeys : signingKeys.slice(0, 1);
	const job = await verifyResultLink(services.runtime, linkKeys, signed);
	if (job === null) throw await rejectUnauthenticated(c, "This link is invalid or expired.");
	// They have a rate of their own, so that a reader of links cannot use up the tenant's.
	await checkTenantRate(c, { tenantId: `links of ${job.tenantId}`, requests: null });
	return { tenantId: job.tenantId, keyId: "", scopes: [], waits: 0 };
}
