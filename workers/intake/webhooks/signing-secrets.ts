/**
 * Secrets that sign webhooks: a tenant's for one-off webhooks, and each endpoint's own.
 *
 * If the response to a rotation is lost, the same secret is written once more. A caller who rotated again would get a third
 * secret, and the one that its receivers have would no longer sign.
 */
import { createRoute, type z } from "@hono/zod-openapi";
import { EndpointWithSecretBody, RotateSecret, SigningSecretBody, viewEndpoint } from "../../../shared/api/endpoint.ts";
import { seal, unseal } from "../../../shared/crypto/seal.ts";
import { rotateEndpointSecret } from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { retryOnLostResponse } from "../../../shared/db/retry-on-lost-response.ts";
import { revealWebhookSecret, rotateWebhookSecret } from "../../../shared/db/tenants/tenants.ts";
import { newWebhookSecret } from "../../../shared/webhooks/secrets.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import {
	bodyErrors,
	commonErrors,
	errorResponse,
	idParams,
	jsonResponse,
	noQuery,
	optionalJsonBody,
} from "../http/describe-route.ts";
import { allowBody } from "../http/strict-body.ts";
import { newEndpointSecret } from "./endpoint-secret.ts";
import { endpointKeyOf, existing } from "./load-endpoint.ts";

const OVERLAP_MS = 24 * 3_600_000;

const shared = { tags: ["Webhooks"] };
const description =
	"The old secret stops signing at once. With `keep_old_secret_active_for_24_hours`, both secrets sign for 24 hours.";

const get = createRoute({
	...shared,
	operationId: "getWebhookSigningSecret",
	method: "get",
	path: "/v1/webhook_signing_secret",
	summary: "Get the signing secret of one-off webhooks",
	description: "Each reading is in the audit log. The secret is enough to forge any one-off webhook of the tenant.",
	middleware: [requireKey("secrets:read")] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("The secret.", SigningSecretBody), ...commonErrors },
});

const rotate = createRoute({
	...shared,
	operationId: "rotateWebhookSigningSecret",
	method: "post",
	path: "/v1/webhook_signing_secret/rotate",
	summary: "Rotate the signing secret of one-off webhooks",
	description,
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: { query: noQuery, body: optionalJsonBody(RotateSecret) },
	responses: { 200: jsonResponse("The new secret.", SigningSecretBody), ...commonErrors, ...bodyErrors },
});

const rotateOfEndpoint = createRoute({
	...shared,
	operationId: "rotateWebhookEndpointSecret",
	method: "post",
	path: "/v1/webhook_endpoints/{id}/rotate_secret",
	summary: "Rotate a webhook endpoint's signing secret",
	description,
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: { params: idParams, query: noQuery, body: optionalJsonBody(RotateSecret) },
	responses: {
		200: jsonResponse("The endpoint, with its new secret.", EndpointWithSecretBody),
		...commonErrors,
		...bodyErrors,
		404: errorResponse("No such webhook endpoint."),
	},
});

export const signingSecretRoutes = newApp()
	.openapi(get, async (c) => {
		const { db, config, runtime } = c.env.services;
		const { tenantId } = c.var.caller;
		const sealed = await revealWebhookSecret(db, tenantId, callerAsActor(c));
		if (sealed === null) throw new Error("a tenant without a webhook secret");
		const secret = await unseal(runtime, config.signingKeys, tenantId, sealed);
		return c.json({ object: "webhook_signing_secret" as const, secret }, 200);
	})
	.openapi(rotate, async (c) => {
		const { db, config, runtime } = c.env.services;
		const { tenantId } = c.var.caller;
		const secret = newWebhookSecret(runtime);
		const sealedSecret = await seal(runtime, config.signingKeys[0] ?? "", tenantId, secret);
		const rotation = { sealedSecret, keepOldMs: keepOldMs(c.req.valid("json")) };
		await retryOnLostResponse(() => rotateWebhookSecret(db, tenantId, rotation, callerAsActor(c)));
		return c.json({ object: "webhook_signing_secret" as const, secret }, 200);
	})
	.openapi(rotateOfEndpoint, async (c) => {
		const { services } = c.env;
		const key = endpointKeyOf(c);
		const { secret, stored } = await newEndpointSecret(services, key);
		const rotation = { ...stored, keepOldMs: keepOldMs(c.req.valid("json")) };
		const endpoint = existing(
			await retryOnLostResponse(() => rotateEndpointSecret(services.db, key, rotation, callerAsActor(c))),
		);
		return c.json({ ...viewEndpoint(endpoint), signing_secret: secret }, 200);
	});

/** How long the old secret keeps signing beside the new one. 0: not at all. */
function keepOldMs(request: z.infer<typeof RotateSecret>): number {
	return request.keep_old_secret_active_for_24_hours ? OVERLAP_MS : 0;
}
