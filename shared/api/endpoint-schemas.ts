/** What requests about registered endpoints look like. */

import { z } from "@hono/zod-openapi";
import { isId } from "../core/ids.ts";
import { WEBHOOK_PAYLOADS } from "../core/jobs/job.ts";
import { EVENT_FILTERS, EVENT_TYPES } from "../core/webhooks/events.ts";
import { pageQuery } from "./schemas.ts";

/** The families stand apart, so that a schema names each once. */
const eventTypes = z
	.array(z.enum(EVENT_FILTERS))
	.min(1)
	.max(EVENT_FILTERS.length)
	.superRefine((types, context) => {
		for (const [at, type] of types.entries()) {
			if (types.indexOf(type) === at) continue;
			context.addIssue({ code: "custom", path: [at], message: "This type stands twice in the list." });
		}
	})
	.openapi({ uniqueItems: true, description: "`job.*` and `endpoint.*` stand for all types of a family." });

const fields = {
	name: z.string().min(1).max(256),
	url: z.string().describe("A public https address on port 443 or 8443; redirects are not followed."),
	event_types: eventTypes,
	payload: z.enum(WEBHOOK_PAYLOADS).describe("`thin` gives id, object and status alone. `full` by default."),
};

export const CreateEndpoint = z
	.strictObject({ ...fields, payload: fields.payload.optional() })
	.openapi("CreateWebhookEndpoint");

export const UpdateEndpoint = z.strictObject(fields).partial().openapi("UpdateWebhookEndpoint");

export const TestEndpoint = z.strictObject({ event_type: z.enum(EVENT_TYPES) }).openapi("TestWebhookEndpoint");

export const RecoverEndpoint = z
	.strictObject({ since: z.iso.datetime({ offset: true }).describe("Up to 30 days ago.") })
	.openapi("RecoverWebhookEndpoint");

export const EndpointParams = z.object({ id: z.string() });

export const endpointPageQuery = z.strictObject({
	...pageQuery,
	after: z
		.string()
		// The SDK sends a null of its caller's as an empty parameter.
		.refine((id) => id === "" || isId("we", id), { error: "Must be the id of a webhook endpoint." })
		.optional()
		.describe("The last id of the page before."),
});
