import { createRoute, z } from "@hono/zod-openapi";
import { timestampOrNull } from "../../../shared/core/job-view.ts";
import { readStatus } from "../../../shared/db/read-status.ts";
import { newApp } from "../app.ts";
import { requireAdmin } from "../middleware/authenticate.ts";
import { adminErrors, jsonAnswer, noQuery } from "../schemas.ts";

const time = z.iso.datetime({ precision: 3 });

const Status = z
	.object({
		object: z.literal("status"),
		jobs_under_way: z.number().int().describe("Queued and running, counted up to 1,000."),
		deliveries_owed: z.number().int().describe("Counted up to 1,000."),
		oldest_job_under_way: time.nullable(),
		parked: z.array(z.object({ key: z.string(), jobs: z.number().int() })),
		last_sweep: z.object({ at: time.nullable(), counts: z.record(z.string(), z.number()) }),
	})
	.openapi("Status");

const route = createRoute({
	method: "get",
	path: "/v1/admin/status",
	tags: ["Admin"],
	security: [{ admin: [] }],
	summary: "See how the service is doing",
	middleware: [requireAdmin] as const,
	request: { query: noQuery },
	responses: { 200: jsonAnswer("The backlog and the last sweep.", Status), ...adminErrors },
});

export const adminStatusRoute = newApp().openapi(route, async (c) => {
	const status = await readStatus(c.var.services.db);
	return c.json(
		{
			object: "status" as const,
			jobs_under_way: status.jobsUnderWay,
			deliveries_owed: status.deliveriesOwed,
			oldest_job_under_way: timestampOrNull(status.oldestCreatedAt),
			parked: status.parked,
			last_sweep: { at: timestampOrNull(status.lastSweepAt), counts: status.lastSweepCounts },
		},
		200,
	);
});
