import { createRoute } from "@hono/zod-openapi";
import { StatusBody } from "../../../shared/api/status.ts";
import { timestampOrNull } from "../../../shared/api/time.ts";
import { signingKeyId } from "../../../shared/crypto/seal.ts";
import { countSeals } from "../../../shared/db/tenants/sealed-secrets.ts";
import { readStatus } from "../../../shared/db/upkeep/read-status.ts";
import { requireAdmin } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { adminErrors, BY_OPERATOR, jsonResponse, noQuery } from "../http/describe-route.ts";

const route = createRoute({
	operationId: "getStatus",
	method: "get",
	path: "/v1/admin/status",
	tags: ["Admin"],
	security: BY_OPERATOR,
	summary: "Get the service's status",
	middleware: [requireAdmin] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("The backlog and the last sweep.", StatusBody), ...adminErrors },
});

export const adminStatusRoute = newApp().openapi(route, async (c) => {
	const { db, runtime, config } = c.env.services;
	const [current = "", previous] = config.signingKeys;
	const status = await readStatus(db);
	const seals = await countSeals(db, {
		currentKeyId: await signingKeyId(runtime, current),
		previousKeyId: previous === undefined ? null : await signingKeyId(runtime, previous),
	});
	return c.json(
		{
			object: "status" as const,
			open_jobs: status.openJobs,
			pending_deliveries: status.pendingDeliveries,
			oldest_open_job_at: timestampOrNull(status.oldestCreatedAt),
			parked: status.parked,
			secrets: { under_previous_signing_key: seals.underPrevious, undecryptable: seals.underUnknown },
			last_sweep: { at: timestampOrNull(status.lastSweepAt), counts: status.lastSweepCounts },
		},
		200,
	);
});
