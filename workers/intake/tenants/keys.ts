import { createRoute, z } from "@hono/zod-openapi";
import { ApiKeyList, ApiKeyView, CreateApiKey, NewApiKeyView, viewKey } from "../../../shared/api/key-views.ts";
import {
	bodyErrors,
	commonErrors,
	errorResponse,
	jsonResponse,
	noQuery,
	pageOf,
	pageQuery,
} from "../../../shared/api/schemas.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { isId } from "../../../shared/core/ids.ts";
import { DEFAULT_SCOPES, type Scope } from "../../../shared/core/tenants/scopes.ts";
import { findApiKey, listApiKeys, revokeApiKey } from "../../../shared/db/tenants/api-keys.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { requireBody } from "../http/strict-body.ts";
import type { Caller } from "../services.ts";
import { makeKey } from "./make-key.ts";

const params = z.object({ id: z.string() });
const shared = { tags: ["Keys"] };
const notFound = { 404: errorResponse("There is no such key.") };

const create = createRoute({
	...shared,
	method: "post",
	path: "/v1/keys",
	summary: "Make an API key",
	description: "It belongs to the same tenant and can do no more than the key that asks for it.",
	middleware: [requireKey("keys:manage"), requireBody] as const,
	request: { query: noQuery, body: { required: true, content: { "application/json": { schema: CreateApiKey } } } },
	responses: {
		201: jsonResponse("The key.", NewApiKeyView),
		...commonErrors,
		...bodyErrors,
		403: errorResponse("The key lacks the scope, or one of those that it would give."),
	},
});

const list = createRoute({
	...shared,
	method: "get",
	path: "/v1/keys",
	summary: "List API keys, newest first",
	description: "Those that have expired or been revoked, too.",
	middleware: [requireKey("keys:manage")] as const,
	request: {
		query: z.strictObject({
			...pageQuery,
			after: z
				.string()
				.refine((id) => isId("key", id), { error: "Must be the id of a key." })
				.optional()
				.describe("The last id of the page before."),
		}),
	},
	responses: { 200: jsonResponse("One page.", ApiKeyList), ...commonErrors },
});

const get = createRoute({
	...shared,
	method: "get",
	path: "/v1/keys/{id}",
	summary: "Get an API key",
	middleware: [requireKey("keys:manage")] as const,
	request: { params, query: noQuery },
	responses: { 200: jsonResponse("The key, less its secret.", ApiKeyView), ...commonErrors, ...notFound },
});

const revoke = createRoute({
	...shared,
	method: "delete",
	path: "/v1/keys/{id}",
	summary: "Revoke an API key",
	description:
		"Takes effect within 10 seconds everywhere. Revoking again answers the same. A key may revoke itself, and the last one there is: the operator can always make another.",
	middleware: [requireKey("keys:manage")] as const,
	request: { params, query: noQuery },
	responses: { 204: { description: "Revoked." }, ...commonErrors, ...notFound },
});

export const keyRoutes = newApp()
	.openapi(create, async (c) => {
		const { services } = c.env;
		const { caller } = c.var;
		const request = c.req.valid("json");
		const owner = { tenantId: caller.tenantId, makerId: caller.keyId, scopes: scopesFrom(caller, request.scopes) };
		const made = await makeKey(services, owner, request, callerAsActor(c));
		if (made === null) throw new AppError("unauthorized", "This API key is not valid any more.");
		c.header("location", `/v1/keys/${made.id}`);
		return c.json(made, 201);
	})
	.openapi(list, async (c) => {
		const { limit, after = null, order } = c.req.valid("query");
		const page = { limit: limit + 1, after, isAscending: order === "asc" };
		const found = await listApiKeys(c.env.services.db, c.var.caller.tenantId, page);
		return c.json(pageOf(found.map(viewKey), limit), 200);
	})
	.openapi(get, async (c) => {
		const key = await findApiKey(c.env.services.db, c.var.caller.tenantId, c.req.param("id"));
		if (key === null) throw noSuchKey();
		return c.json(viewKey(key), 200);
	})
	.openapi(revoke, async (c) => {
		const { services } = c.env;
		const { caller } = c.var;
		const isRevoked = await revokeApiKey(services.db, c.req.param("id"), caller.tenantId, callerAsActor(c));
		if (!isRevoked) throw noSuchKey();
		return c.body(null, 204);
	});

/** What a new key may do: what was asked for, or else what is usual, as far as the key that asks may do it. */
function scopesFrom(caller: Caller, asked: Scope[] | undefined): string[] {
	const lacking = asked?.find((scope) => !caller.scopes.includes(scope));
	if (lacking !== undefined)
		throw new AppError("forbidden", `This API key lacks the scope ${lacking}, and cannot give it.`);
	const scopes = asked ?? DEFAULT_SCOPES.filter((scope) => caller.scopes.includes(scope));
	if (scopes.length > 0) return [...new Set(scopes)];
	throw new AppError("forbidden", "This API key can do nothing but manage keys: name `keys:manage` to give that.");
}

function noSuchKey(): AppError {
	return new AppError("not_found", "There is no such key.");
}
