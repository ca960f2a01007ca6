/** The caller's endpoint. An unknown endpoint, a deleted one and another tenant's all get the same 404. */
import type { Context } from "hono";
import { AppError } from "../../../shared/core/errors.ts";
import { isId } from "../../../shared/core/ids.ts";
import type { WebhookEndpoint, WebhookEndpointKey } from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { findEndpoint } from "../../../shared/db/deliveries/webhook-endpoints.ts";
import type { IntakeEnv } from "../services.ts";

export function endpointKeyOf(c: Context<IntakeEnv>): WebhookEndpointKey {
	const endpointId = c.req.param("id") ?? "";
	if (!isId("we", endpointId)) throw noSuchEndpoint();
	return { tenantId: c.var.caller.tenantId, endpointId };
}

export async function findOwnEndpoint(c: Context<IntakeEnv>): Promise<WebhookEndpoint> {
	return existing(await findEndpoint(c.env.services.db, endpointKeyOf(c)));
}

export function existing(endpoint: WebhookEndpoint | null): WebhookEndpoint {
	if (endpoint === null) throw noSuchEndpoint();
	return endpoint;
}

export function noSuchEndpoint(): AppError {
	return new AppError("not_found", "No such webhook endpoint.");
}
