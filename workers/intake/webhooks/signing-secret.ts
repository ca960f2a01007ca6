import { createRoute, z } from "@hono/zod-openapi";
import { bodyErrors, commonErrors, jsonResponse, noQuery } from "../../../shared/api/schemas.ts";
import { StorageUnavailable } from "../../../shared/core/errors.ts";
import { seal, unseal } from "../../../shared/crypto/seal.ts";
import { findWebhookSecret, rotateWebhookSecret } from "../../../shared/db/tenants/tenants.ts";
import { newWebhookSecret } from "../../../shared/webhooks/secrets.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newApp } from "../http/app.ts";
import { allowBody } from "../http/strict-body.ts";
import { keepOldMs, RotateSecret } from "./rotation.ts";

const Secret = z
	.object({ object: z.literal("webhook_signing_secret"), secret: z.string().openapi({ example: "whsec_…" }) })
	.openapi("WebhookSigningSecret");

const get = createRoute({
	method: "get",
	path: "/v1/webhook_signing_secret",
	tags: ["Webhooks"],
	summary: "Get the secret that signs one-off webhooks",
	middleware: [requireKey("webhooks:read")] as const,
	request: { query: noQuery },
	responses: { 200: jsonResponse("The secret.", Secret), ...commonErrors },
});

const rotate = createRoute({
	method: "post",
	path: "/v1/webhook_signing_secret/rotate",
	tags: ["Webhooks"],
	summary: "Make a new secret",
	description: "The old one dies at once, unless it is kept: then both sign for 24 hours.",
	middleware: [requireKey("webhooks:write"), allowBody] as const,
	request: {
		query: noQuery,
		body: { required: false, content: { "application/json": { schema: RotateSecret } } },
	},
	responses: { 200: jsonResponse("The new secret.", Secret), ...commonErrors, ...bodyErrors },
});

export const signingSecretRoutes = newApp()
	.openapi(get, async (c) => {
		const { db, config, runtime } = c.env.services;
		const { tenantId } = c.var.caller;
		const sealed = await findWebhookSecret(db, tenantId);
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
		await rotateWithRetry(db, tenantId, rotation, callerAsActor(c));
		return c.json({ object: "webhook_signing_secret" as const, secret }, 200);
	});

/**
 * A lost answer may have been a commit, of a secret that nobody was told. A caller who asked again would get another, and
 * the secret that receivers know would be the one before the last: it would not sign any more.
 */
async function rotateWithRetry(...rotation: Parameters<typeof rotateWebhookSecret>): Promise<void> {
	try {
		await rotateWebhookSecret(...rotation);
	} catch (error) {
		if (!(error instanceof StorageUnavailable)) throw error;
		await rotateWebhookSecret(...rotation);
	}
}
