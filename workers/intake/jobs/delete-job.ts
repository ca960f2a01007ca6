import { createRoute } from "@hono/zod-openapi";
import { AppError } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import { eraseJob } from "../../../shared/db/upkeep/erase-jobs.ts";
import { eraseObjects } from "../../../shared/storage/erase-objects.ts";
import { logError } from "../../log.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, errorResponse, idParams, noQuery } from "../http/describe-route.ts";
import { findOwnJob, keyOf } from "./load-job.ts";

const route = createRoute({
	operationId: "deleteJob",
	method: "delete",
	path: "/v1/jobs/{id}",
	tags: ["Jobs"],
	summary: "Erase a job",
	description: "Erases the job, its input, its result and its history. Webhooks that are still owed are skipped.",
	middleware: [requireKey("jobs:write")] as const,
	request: { params: idParams, query: noQuery },
	responses: {
		204: { description: "Erased." },
		...commonErrors,
		404: errorResponse("There is no such job."),
		409: errorResponse("`not_final`: cancel it first."),
	},
});

export const deleteJobRoute = newApp().openapi(route, async (c) => {
	const { db, objects, runtime } = c.env.services;
	const erased = await eraseJob(db, keyOf(c), newId("tmb", runtime), callerAsActor(c));
	if (erased === null) {
		await findOwnJob(c);
		throw new AppError("not_final", "Only a job that is final can be erased: cancel it first.");
	}
	try {
		await eraseObjects(objects, [erased]);
	} catch (error) {
		// The row is gone, so nobody can read them; the sweeper deletes them by the tombstone.
		logError("objects.erase_failed", { jobId: erased.jobId }, error);
	}
	return c.body(null, 204);
});
