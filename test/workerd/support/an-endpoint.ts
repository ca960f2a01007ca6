/** Registered receivers for tests, and what became of them. */
import { env } from "cloudflare:workers";
import { secretOwner, type WebhookEndpoint, type WebhookEndpointKey } from "../../../shared/core/webhook-endpoint.ts";
import { endpointFromRow } from "../../../shared/db/webhook-endpoint-row.ts";
import { createEndpoint, findEndpoint } from "../../../shared/db/webhook-endpoints.ts";
import { seal } from "../../../shared/webhooks/seal.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { A_SECRET, anId, databaseAt, db, NOW } from "./a-job.ts";

/** An enabled endpoint of `tenantId` that asks for everything about jobs. */
export async function anEndpoint(
	tenantId: string,
	given: { url?: string; eventTypes?: string[]; payload?: "full" | "thin"; secret?: string; at?: number } = {},
): Promise<WebhookEndpoint> {
	const key = { tenantId, endpointId: anId("we") };
	const endpoint = await createEndpoint(databaseAt(given.at ?? NOW), {
		...key,
		name: "an endpoint",
		url: given.url ?? `https://hooks.acme-receiver.com/${key.endpointId}`,
		eventTypes: given.eventTypes ?? ["job.*"],
		payload: given.payload ?? "full",
		secretHint: "whsec_…c2U=",
		sealedSecret: await seal(fakeRuntime(), env.SIGNING_KEY, secretOwner(key), given.secret ?? A_SECRET),
	});
	if (endpoint === null) throw new Error("too many endpoints");
	return endpoint;
}

export async function reloadEndpoint(key: WebhookEndpointKey): Promise<WebhookEndpoint | null> {
	return await findEndpoint(db, key);
}

/** As if it had been disabled at `at`. */
export async function disableEndpoint(
	{ tenantId, endpointId }: WebhookEndpointKey,
	at = NOW,
): Promise<WebhookEndpoint> {
	const row = await env.DB.prepare(
		`UPDATE webhook_endpoints SET status = 'disabled', disabled_at = ?3, disabled_reason = 'failing'
		  WHERE tenant_id = ?1 AND id = ?2 RETURNING *`,
	)
		.bind(tenantId, endpointId, at)
		.first();
	return endpointFromRow(row);
}
