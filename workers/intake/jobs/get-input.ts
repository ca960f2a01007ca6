import { createRoute } from "@hono/zod-openapi";
import { StoredInput } from "../../../shared/api/submit-job.ts";
import { openInput } from "../../../shared/storage/inputs.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, jsonResponse, noQuery } from "../http/describe-route.ts";
import { findOwnJobWithInput } from "./load-job.ts";
import { rangeHeaders, respondWithStored } from "./stored-body.ts";

const route = createRoute({
	operationId: "getJobInput",
	method: "get",
	path: "/v1/jobs/{id}/input",
	tags: ["Jobs"],
	summary: "Get the input",
	description:
		"The body of the chat completion, as it was submitted, except that messages without `content` have `content: null`. Supports `Range` and `If-None-Match`.",
	middleware: [requireKey("jobs:read")] as const,
	request: { params: idParams, query: noQuery, headers: rangeHeaders },
	responses: {
		200: jsonResponse("The input.", StoredInput),
		206: { description: "The requested range." },
		304: { description: "Unchanged: an input never changes." },
		...commonErrors,
		404: errorResponse("No such job."),
		416: errorResponse("The input does not have the requested range."),
	},
});

export const getInputRoute = newApp().openapi(route, async (c) => {
	const job = await findOwnJobWithInput(c);
	return await respondWithStored(c, {
		jobId: job.jobId,
		what: "input",
		size: job.inputBytes,
		open: (part) => openInput(c.env.services.objects, job, part),
	});
});
