import { createRoute } from "@hono/zod-openapi";
import { SessionBody } from "../../../shared/api/key.ts";
import { timestampOrNull } from "../../../shared/api/time.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { commonErrors, jsonResponse, noQuery } from "../http/describe-route.ts";

const route = createRoute({
	operationId: "getSession",
	method: "get",
	path: "/v1/session",
	tags: ["Keys"],
	summary: "Get tenant and scopes of the API key",
	description: "For any key, whatever its scopes. A change of names shows within 10 seconds.",
	middleware: [requireKey()] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("Who the caller is.", SessionBody), ...commonErrors },
});

export const sessionRoute = newApp().openapi(route, async (c) => {
	const { db, runtime, keys } = c.env.services;
	// In the cache since the request was authenticated.
	const key = await keys.find(db, runtime, c.var.caller.keyId, async () => undefined);
	if (key === null) throw new AppError("unauthorized", "Invalid API key.");
	const expires_at = timestampOrNull(key.expiresAt);
	const body = {
		object: "session" as const,
		tenant: { id: key.tenantId, name: key.tenantName },
		key: { id: key.keyId, name: key.name, scopes: key.scopes, expires_at },
		expires_at,
	};
	return c.json(body, 200);
});
