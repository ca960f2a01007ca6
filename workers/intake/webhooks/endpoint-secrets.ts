import { createRoute } from "@hono/zod-openapi";
import { EndpointParams } from "../../../shared/api/endpoint-schemas.ts";
import { EndpointWithSecretView, viewEndpoint } from "../../../shared/api/endpoint-views.ts";
import { bodyErrors, commonErrors, errorResponse, jsonResponse, noQuery } from "../../../shared/api/schemas.ts";
import { StorageUnavailable } from "../../../shared/core/errors.ts";
import type { WebhookEndpoint } from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { rotateEndpointSecret } from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { allowBody } from "../http/strict-body.ts";
import { newEndpointSecret } from "./endpoint-secret.ts";
import { endpointKeyOf, existing } from "./load-endpoint.ts";
import { keepOldMs, RotateSecret } from "./rotation.ts";

const rotate = createRoute({
	method: "post",
	path: "/v1/webhook_endpoints/{id}/rotate_secret",
	tags: ["Webhooks"],
	summary: "Give a webhook endpoint a new secret",
	description: "The old one dies at once, unless it is kept: then both sign for 24 hours.",
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: {
		params: EndpointParams,
		query: noQuery,
		body: { required: false, content: { "application/json": { schema: RotateSecret } } },
	},
	responses: {
		200: jsonResponse("The endpoint, with its new secret.", EndpointWithSecretView),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("There is no such webhook endpoint."),
	},
});

export const endpointSecretRoutes = newApp().openapi(rotate, async (c) => {
	const { services } = c.env;
	const key = endpointKeyOf(c);
	const { secret, stored } = await newEndpointSecret(services, key);
	const rotation = { ...stored, keepOldMs: keepOldMs(c.req.valid("json")) };
	const endpoint = existing(await twice(() => rotateEndpointSecret(services.db, key, rotation, callerAsActor(c))));
	return c.json({ ...viewEndpoint(endpoint), signing_secret: secret }, 200);
});

/**
 * A lost answer may have been a commit, of a secret that nobody was told. A caller who asked again would get another, and
 * the secret that the receiver knows would be the one before the last: it would not sign any more.
 */
async function twice(rotateOnce: () => Promise<WebhookEndpoint | null>): Promise<WebhookEndpoint | null> {
	try {
		return await rotateOnce();
	} catch (error) {
		if (!(error instanceof StorageUnavailable)) throw error;
		return await rotateOnce();
	}
}
