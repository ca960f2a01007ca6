import { createRoute } from "@hono/zod-openapi";
import { createMiddleware } from "hono/factory";
import { CreateSession, SessionBody, viewSession } from "../../../shared/api/key.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { recordSignIn } from "../../../shared/db/tenants/audit-log.ts";
import { keyOf, requireKey } from "../auth/authenticate.ts";
import { countUnauthenticated } from "../auth/rate-limits.ts";
import { endSession, readSession, refuseOtherPages, startSession, TENANT_SESSION } from "../auth/session-cookie.ts";
import { newApp } from "../http/app.ts";
import {
	bodyErrors,
	commonErrors,
	errorResponse,
	jsonBody,
	jsonResponse,
	noQuery,
	openErrors,
} from "../http/describe-route.ts";
import { requireSmallBody } from "../http/strict-body.ts";
import type { IntakeEnv } from "../services.ts";

/** Before a body is read. A valid key is counted too: whose it is shows only then. */
export const countFirst = createMiddleware<IntakeEnv>(async function countSignIn(c, next) {
	await countUnauthenticated(c);
	await next();
});

export const ofOwnPages = createMiddleware<IntakeEnv>(async function requireOwnPage(c, next) {
	refuseOtherPages(c);
	await next();
});

export const OTHER_PAGE = errorResponse("The request came from a page of another origin, or was not encrypted.");

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
	middleware: [countFirst, ofOwnPages, requireSmallBody] as const,
	request: { query: noQuery, body: jsonBody(CreateSession) },
	responses: {
		201: jsonResponse("Signed in.", SessionBody),
		...commonErrors,
		...bodyErrors,
		403: OTHER_PAGE,
	},
});

const remove = createRoute({
	...shared,
	operationId: "deleteSession",
	method: "delete",
	summary: "Sign out",
	description: "Deletes the cookie, whether its session has ended or not. To end all sessions of a key, revoke it.",
	security: [],
	middleware: [ofOwnPages] as const,
	request: { query: noQuery },
	responses: { 204: { description: "Signed out." }, ...openErrors, 403: OTHER_PAGE },
});

export const sessionRoutes = newApp()
	.openapi(get, async (c) => {
		const { db, runtime, keys } = c.env.services;
		// In the cache since the request was authenticated.
		const key = await keys.find(db, runtime, c.var.caller.keyId, async () => undefined);
		if (key === null) throw new AppError("unauthorized", "Invalid API key.");
		const session = await readSession(c, TENANT_SESSION);
		return c.json(viewSession(key, session?.endsAt ?? key.expiresAt), 200);
	})
	.openapi(create, async (c) => {
		const key = await keyOf(c, c.req.valid("json").key, true);
		await recordSignIn(c.env.services.db, key, c.env.requestId);
		return c.json(
			viewSession(
				key,
				await startSession(c, TENANT_SESSION, { keyId: key.keyId, keyHash: key.keyHash }, key.expiresAt),
			),
			201,
		);
	})
	.openapi(remove, (c) => {
		endSession(c, TENANT_SESSION);
		return c.body(null, 204);
	});
