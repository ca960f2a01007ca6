import { createRoute, type z } from "@hono/zod-openapi";
import { ApiKeyBody, ApiKeyList, CreateApiKey, keysQuery, NewApiKeyBody, viewKey } from "../../../shared/api/key.ts";
import { pageOf } from "../../../shared/api/page.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import { DEFAULT_SCOPES, makeApiKey, type Scope } from "../../../shared/core/tenants/api-key.ts";
import type { Actor } from "../../../shared/core/tenants/audit.ts";
import { sha256Hex } from "../../../shared/crypto/digest.ts";
import { retryOnLostResponse } from "../../../shared/db/retry-on-lost-response.ts";
import {
	createApiKey,
	findApiKey,
	listApiKeys,
	type NewApiKey,
	revokeApiKey,
} from "../../../shared/db/tenants/api-keys.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import {
	bodyErrors,
	commonErrors,
	errorResponse,
	idParams,
	jsonBody,
	jsonResponse,
	noQuery,
} from "../http/describe-route.ts";
import { requireBody } from "../http/strict-body.ts";
import type { Caller, Services } from "../services.ts";

const shared = { tags: ["Keys"] };
const notFound = { 404: errorResponse("No such API key.") };

const create = createRoute({
	...shared,
	operationId: "createKey",
	method: "post",
	path: "/v1/keys",
	summary: "Create an API key",
	description:
		"The new key belongs to the same tenant, and can only have scopes that the key of this request has. It ends with that key: it expires no later, and is revoked together with it.",
	middleware: [requireKey("keys:manage"), requireBody] as const,
	request: { query: noQuery, body: jsonBody(CreateApiKey) },
	responses: {
		201: jsonResponse("The key.", NewApiKeyBody),
		...commonErrors,
		...bodyErrors,
		403: errorResponse("The API key lacks the required scope, or a requested one."),
		409: errorResponse("`limit_reached`: API key limit reached."),
	},
});

const list = createRoute({
	...shared,
	operationId: "listKeys",
	method: "get",
	path: "/v1/keys",
	summary: "List API keys",
	description: "Newest first, including expired and revoked ones.",
	middleware: [requireKey("keys:manage")] as const,
	request: { query: keysQuery },
	responses: { 200: jsonResponse("One page of keys.", ApiKeyList), ...commonErrors },
});

const get = createRoute({
	...shared,
	operationId: "getKey",
	method: "get",
	path: "/v1/keys/{id}",
	summary: "Get an API key",
	middleware: [requireKey("keys:manage")] as const,
	request: { params: idParams, query: noQuery },
	responses: { 200: jsonResponse("The key, without its secret.", ApiKeyBody), ...commonErrors, ...notFound },
});

const remove = createRoute({
	...shared,
	operationId: "revokeKey",
	method: "delete",
	path: "/v1/keys/{id}",
	summary: "Revoke an API key",
	description:
		"Also revokes all keys that this key created, and those that they created. Takes effect everywhere within 10 seconds; a revoked key creates no key, endpoint or secret from then on. Revoking a revoked key has the same response. A key may revoke itself. If the last key is revoked, the operator can create another.",
	middleware: [requireKey("keys:manage")] as const,
	request: { params: idParams, query: noQuery },
	responses: { 204: { description: "Revoked." }, ...commonErrors, ...notFound },
});

/** Also in this isolate's cache, so that it accepts none of the revoked keys from then on. */
export async function revoke({ db, runtime, keys }: Services, keyId: string, tenantId: string | null, by: Actor) {
	const revoked = await revokeApiKey(db, keyId, tenantId, by);
	if (revoked.length === 0) throw noSuchKey();
	keys.forget(runtime, revoked);
}

export const keyRoutes = newApp()
	.openapi(create, async (c) => {
		const { services } = c.env;
		const { caller } = c.var;
		const request = c.req.valid("json");
		const owner = { tenantId: caller.tenantId, makerId: caller.keyId, scopes: scopesFrom(caller, request.scopes) };
		const made = await makeKey(services, owner, request, callerAsActor(c));
		if (made === null) throw new AppError("unauthorized", "Invalid API key.");
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
	.openapi(remove, async (c) => {
		const { services } = c.env;
		const { caller } = c.var;
		await revoke(services, c.req.param("id"), caller.tenantId, callerAsActor(c));
		return c.body(null, 204);
	});

/** The requested scopes, or else those default ones that the caller's key has. */
function scopesFrom(caller: Caller, requested: Scope[] | undefined): string[] {
	const lacking = requested?.find((scope) => !caller.scopes.includes(scope));
	if (lacking !== undefined) {
		throw new AppError("forbidden", `This API key lacks the scope ${lacking}, so it cannot grant it.`);
	}
	const scopes = requested ?? DEFAULT_SCOPES.filter((scope) => caller.scopes.includes(scope));
	if (scopes.length > 0) return [...new Set(scopes)];
	throw new AppError("forbidden", "This API key has only `keys:manage`. To grant it, name it in `scopes`.");
}

/** Creates a key and returns it, with the secret that is shown only once. Null: the tenant or the key that makes it is gone. */
export async function makeKey(
	{ db, runtime }: Services,
	owner: Pick<NewApiKey, "tenantId" | "makerId" | "scopes">,
	request: z.infer<typeof CreateApiKey>,
	by: Actor,
): Promise<z.infer<typeof NewApiKeyBody> | null> {
	const expiresAt = request.expires_at === undefined ? null : Date.parse(request.expires_at);
	if (expiresAt !== null && expiresAt <= runtime.now()) {
		throw new AppError("invalid_request", "Must be in the future.", "expires_at");
	}
	const keyId = newId("key", runtime);
	const key = makeApiKey(keyId, runtime.randomBytes);
	const keyHash = await sha256Hex(runtime, key);
	const row = { ...owner, keyId, keyHash, name: request.name, expiresAt };
	// If the caller repeated the request instead, there would be a second key, whose secret is lost.
	const stored = await retryOnLostResponse(() => createApiKey(db, row, by));
	if (stored === null) return null;
	if ("limit" in stored) {
		throw new AppError(
			"limit_reached",
			`API key limit reached (${stored.limit}). Revoke a key or ask your operator to raise it.`,
		);
	}
	return { ...viewKey(stored), key };
}

export function noSuchKey(): AppError {
	return new AppError("not_found", "No such API key.");
}
