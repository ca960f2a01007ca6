/** Registered endpoints for tests, and deliveries to them. */
import { env } from "cloudflare:workers";
import type { Delivery } from "../../../shared/core/webhooks/delivery.ts";
import {
	secretOwner,
	type WebhookEndpoint,
	type WebhookEndpointKey,
} from "../../../shared/core/webhooks/webhook-endpoint.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { type DeliveryFilter, listDeliveryPage } from "../../../shared/db/deliveries/list-deliveries.ts";
import { createEndpoint, findEndpoint } from "../../../shared/db/deliveries/webhook-endpoints.ts";
import { deliveryIdOf } from "../../support/event-ids.ts";
import { fakeRuntime } from "../../support/fake-runtime.ts";
import { A_SECRET, aDelivery, anId, BY, databaseAt, db, NOW, type StoredDelivery, type StoredJob } from "./a-job.ts";

type Given = Partial<Pick<WebhookEndpoint, "endpointId" | "name" | "url" | "eventTypes" | "payload" | "createdAt">>;

/** Of a tenant that exists: enabled, and asking for all of a job's events, unless the test says otherwise. */
export async function anEndpoint(tenantId: string, given: Given = {}): Promise<WebhookEndpoint> {
	const { createdAt = NOW, ...overrides } = given;
	const key = { tenantId, endpointId: overrides.endpointId ?? anId("we", createdAt) };
	const endpoint = await createEndpoint(
		databaseAt(createdAt),
		{
			...key,
			name: "crm",
			url: "https://receiver.test/endpoint",
			eventTypes: ["job.*"],
			payload: "full",
			secretHint: A_SECRET.slice(-4),
			sealedSecret: await seal(fakeRuntime(), env.SIGNING_KEY, secretOwner(key), A_SECRET),
			...overrides,
		},
		BY,
	);
	if (endpoint === null) throw new Error("the tenant is unknown, or has as many endpoints as it may");
	return endpoint;
}

export async function disable({ tenantId, endpointId }: WebhookEndpointKey): Promise<void> {
	await env.DB.prepare(
		"UPDATE webhook_endpoints SET status = 'disabled', disabled_at = ?3, disabled_reason = 'gone' WHERE tenant_id = ?1 AND id = ?2",
	)
		.bind(tenantId, endpointId, NOW)
		.run();
}

export async function reloadEndpoint(key: WebhookEndpointKey): Promise<WebhookEndpoint | null> {
	return await findEndpoint(db, key);
}

export const ANY_DELIVERY: DeliveryFilter = { endpointId: null, statuses: null, eventType: null, createdAfter: null };

/** Newest first. */
export async function deliveriesTo({ tenantId, endpointId }: WebhookEndpointKey): Promise<Delivery[]> {
	const query = { tenantId, filter: { ...ANY_DELIVERY, endpointId }, limit: 100, after: null };
	return (await listDeliveryPage(db, query)).items;
}

/** A delivery of `job` to `endpoint`. */
export async function aDeliveryTo(
	endpoint: WebhookEndpoint,
	job: StoredJob,
	overrides: Partial<StoredDelivery> = {},
): Promise<StoredDelivery> {
	const { endpointId, url } = endpoint;
	const deliveryId = deliveryIdOf(job.jobId, "succeeded", endpointId);
	return await aDelivery(job, { deliveryId, endpointId, url, ...overrides });
}
