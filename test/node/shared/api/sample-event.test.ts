import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { JobBody } from "../../../../shared/api/job.ts";
import { sampleEvent } from "../../../../shared/api/sample-event.ts";
import { isId } from "../../../../shared/core/ids.ts";
import { EVENT_TYPES } from "../../../../shared/core/webhooks/events.ts";
import type { WebhookEndpoint } from "../../../../shared/core/webhooks/webhook-endpoint.ts";
import { START_AT } from "../../../support/fake-runtime.ts";

const schema: object = JSON.parse(
	readFileSync(join(import.meta.dirname, "../../fixtures/chat-output.schema.json"), "utf8"),
);

const endpoint: WebhookEndpoint = {
	tenantId: "ten_01kdyak3se0000000000000001",
	endpointId: "we_01kdyak3se0000000000000001",
	name: "crm",
	url: "https://crm.example.com/hook",
	eventTypes: ["job.*"],
	payload: "full",
	status: "enabled",
	disabledAt: null,
	disabledReason: null,
	pausedUntil: null,
	sealedSecrets: ["v1.sealed"],
	secretHint: "b2s=",
	createdAt: START_AT,
	updatedAt: START_AT,
};

describe("a sample event", () => {
	it.each(EVENT_TYPES)("of %s has the envelope of a real one, and is marked as a test", (type) => {
		const event = sampleEvent(type, "evt_1", endpoint, START_AT);
		expect(event).toMatchObject({
			id: "evt_1",
			object: "event",
			type,
			created_at: Math.floor(START_AT / 1000),
			timestamp: "2026-01-02T03:04:05.678Z",
			data: { test: true },
		});
		expect(JSON.stringify(event)).not.toContain("sealed");
	});

	it("is about a job in the state that its type names, whose id could be one", () => {
		const states = EVENT_TYPES.flatMap((type) => {
			const job = JobBody.safeParse(sampleEvent(type, "evt_1", endpoint, START_AT).data);
			return job.success ? [[type, job.data.status, isId("job", job.data.id)]] : [];
		});
		expect(states).toEqual([
			["job.started", "running", true],
			["job.succeeded", "succeeded", true],
			["job.failed", "failed", true],
			["job.cancelled", "cancelled", true],
			["job.expired", "expired", true],
		]);
	});

	it("has a result where the job succeeded, of the shape that results have", () => {
		const resultOf = (type: "job.succeeded" | "job.failed") =>
			Object(sampleEvent(type, "evt_1", endpoint, START_AT).data).result;
		expect(new Ajv2020({ strict: false }).validate(schema, resultOf("job.succeeded"))).toBe(true);
		expect(resultOf("job.failed")).toBeNull();
	});
});
