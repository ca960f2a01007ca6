import { createRoute } from "@hono/zod-openapi";
import { CreateSession, SessionBody, viewSession } from "../../../shared/api/key.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { recordAct } from "../../../shared/db/tenants/audit-log.ts";
import { keyOf, requireKey } from "../auth/authenticate.ts";
import { endSession, readSession, refuseOtherPages, startSession } from "../auth/session-cookie.ts";
import { newApp } from "../http/app.ts";
import { bodyErrors, commonErrors, errorResponse, jsonBody, jsonResponse, noQuery } from "../http/describe-route.ts";
import { requireBody } from "../http/strict-body.ts";

const shared = { tags: ["Keys"], path: "/v1/session" };

const get = createRoute({
	...shared,
	operationId: "getSession",
	method: "get",
	summary: "Get tenant and scopes of the API key",
	description: "For any key or session, whatever its scopes. A change of names shows within 10 seconds.",
	middleware: [requireKey()] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("Who the caller is.", SessionBody), ...commonErrors },
});

const create = createRoute({
	...shared,
	operationId: "createSession",
	method: "post",
	summary: "Sign in",
	description:
		"For pages of this service: sets a cookie that gives what the key gives, for 12 hours at most. It counts only in requests that the browser marks as made by a page of this origin (`Sec-Fetch-Site: same-origin`), and never beside `Authorization`.",
	security: [],
	middleware: [requireBody] as const,
	request: { query: noQuery, body: jsonBody(CreateSession) },
	responses: {
		201: jsonResponse("Signed in.", SessionBody),
		...commonErrors,
		...bodyErrors,
		403: errorResponse("The request came from a page of another origin, or was not encrypted."),
	},
});

const remove = createRoute({
	...shared,
	operationId: "deleteSession",
	method: "delete",
	summary: "Sign out",
	description: "Deletes the cookie. To end all sessions of a key, revoke it.",
	middleware: [requireKey()] as const,
	request: { query: noQuery },
	responses: { 204: { description: "Signed out." }, ...commonErrors },
});

export const sessionRoutes = newApp()
	.openapi(get, async (c) => {
		const { db, runtime, keys } = c.env.services;
		// In the cache since the request was authenticated.
		const key = await keys.find(db, runtime, c.var.caller.keyId, async () => undefined);
		if (key === null) throw new AppError("unauthorized", "Invalid API key.");
		const session = await readSession(c);
		return c.json(viewSession(key, session?.endsAt ?? key.expiresAt), 200);
	})
	.openapi(create, async (c) => {
		refuseOtherPages(c);
		const key = await keyOf(c, c.req.valid("json").key);
		const { keyId, tenantId } = key;
		const by = { actor: keyId, requestId: c.env.requestId };
		await recordAct(c.env.services.db, by, { action: "session.created", tenantId, target: keyId });
		return c.json(viewSession(key, await startSession(c, key)), 201);
	})
	.openapi(remove, (c) => {
		endSession(c);
		return c.body(null, 204);
	});
