import { createRoute } from "@hono/zod-openapi";
import { AppError } from "../../../shared/core/errors.ts";
import { erase } from "../../../shared/jobs/erase.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, noQuery } from "../http/describe-route.ts";
import { jobKeyOf, noSuchJob } from "./load-job.ts";

const route = createRoute({
	operationId: "deleteJob",
	method: "delete",
	path: "/v1/jobs/{id}",
	tags: ["Jobs"],
	summary: "Erase a job",
	description: "Erases the job, its input, its result and its history. Its pending webhook deliveries are skipped.",
	middleware: [requireKey("jobs:write")] as const,
	request: { params: idParams, query: noQuery },
	responses: {
		204: { description: "Erased." },
		...commonErrors,
		404: errorResponse("No such job."),
		409: errorResponse("`not_final`: the job is open. Cancel it first."),
	},
});

export const deleteJobRoute = newApp().openapi(route, async (c) => {
	const outcome = await erase(c.env.services, jobKeyOf(c), callerAsActor(c));
	if (outcome === "unknown") throw noSuchJob();
	if (outcome === "not_final") throw new AppError("not_final", "Only a final job can be erased. Cancel it first.");
	return c.body(null, 204);
});
