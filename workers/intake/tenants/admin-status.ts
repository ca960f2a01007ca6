import { createRoute, z } from "@hono/zod-openapi";
import { timestampOrNull } from "../../../shared/api/job.ts";
import { adminErrors, jsonResponse, noQuery } from "../../../shared/api/schemas.ts";
import { keyId } from "../../../shared/crypto/seal.ts";
import { countSeals } from "../../../shared/db/tenants/sealed-secrets.ts";
import { readStatus } from "../../../shared/db/upkeep/read-status.ts";
import { requireAdmin } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";

const time = z.iso.datetime({ precision: 3 });

const Status = z
	.object({
		object: z.literal("status"),
		open_jobs: z.number().int().describe("Queued and running, counted up to 1,000."),
		pending_deliveries: z.number().int().describe("Counted up to 1,000."),
		oldest_open_job_at: time.nullable(),
		parked: z.array(z.object({ key: z.string(), jobs: z.number().int() })),
		secrets: z.object({
			under_previous_signing_key: z
				.number()
				.int()
				.describe("Sealed under SIGNING_KEY_PREVIOUS, which may be removed at 0. Counted up to 1,000 of each kind."),
			unreadable: z.number().int().describe("Sealed under a key that is not there any more."),
		}),
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
	responses: { 200: jsonResponse("The backlog and the last sweep.", Status), ...adminErrors },
});

export const adminStatusRoute = newApp().openapi(route, async (c) => {
	const { db, runtime, config } = c.env.services;
	const [current = "", previous] = config.signingKeys;
	const status = await readStatus(db);
	const seals = await countSeals(db, {
		currentKeyId: await keyId(runtime, current),
		previousKeyId: previous === undefined ? null : await keyId(runtime, previous),
	});
	return c.json(
		{
			object: "status" as const,
			open_jobs: status.openJobs,
			pending_deliveries: status.pendingDeliveries,
			oldest_open_job_at: timestampOrNull(status.oldestCreatedAt),
			parked: status.parked,
			secrets: { under_previous_signing_key: seals.underPrevious, unreadable: seals.underUnknown },
			last_sweep: { at: timestampOrNull(status.lastSweepAt), counts: status.lastSweepCounts },
		},
		200,
	);
});
