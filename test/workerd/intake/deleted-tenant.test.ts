import { describe, expect, it } from "vitest";
import { signedResultUrl } from "../../../shared/crypto/result-link.ts";
import { runtime } from "../../../workers/runtime.ts";
import { HOUR } from "../../support/job-of.ts";
import { ADMIN, aCaller, errorOf, send, sendTo } from "./caller.ts";
import { aSucceededJob, LATER, submitted } from "./jobs.ts";
import { theServices } from "./services.ts";

const admin = (method: string, path: string, json?: unknown) => send(method, `/v1/admin${path}`, { key: ADMIN, json });
const NEVER_THERE = "ten_01jq0000000000000000000000";

describe("DELETE /v1/admin/tenants/{id}", () => {
	it("answers 204 once, and 404 from then on, as for a tenant that never was", async () => {
		const { tenantId } = await aCaller();
		expect((await admin("DELETE", `/tenants/${tenantId}`)).status).toBe(204);
		const requests: [string, string, object?][] = [
			["DELETE", ""],
			["GET", ""],
			["PATCH", "", { name: "back" }],
			["GET", "/keys"],
			["POST", "/keys", {}],
		];
		for (const [method, path, json] of requests) {
			const [gone, never] = await Promise.all(
				[tenantId, NEVER_THERE].map(async (id) => await admin(method, `/tenants/${id}${path}`, json)),
			);
			expect([gone?.status, never?.status], method + path).toEqual([404, 404]);
			const message = (answer: typeof gone) => answer && { ...errorOf(answer), request_id: "" };
			expect(message(gone)).toEqual(message(never));
		}
		expect((await admin("GET", "/tenants?limit=100")).text).not.toContain(tenantId);
	});

	it("keeps what was done at the tenant, for the operator", async () => {
		const { tenantId, keyId } = await aCaller();
		await admin("DELETE", `/tenants/${tenantId}`);
		expect((await admin("GET", `/tenants/${tenantId}/audit_log`)).body).toMatchObject({
			data: [
				{ action: "tenant.deleted", actor: "operator", target_id: tenantId },
				{ action: "key.created", actor: "operator", target_id: keyId },
				{ action: "tenant.created", actor: "operator", target_id: tenantId },
			],
		});
	});

	it("ends its keys here at once, in other isolates within ten seconds; until then they find nothing", async () => {
		const { tenantId, key } = await aCaller();
		const job = await submitted(key);
		let now = runtime.now();
		const { server } = theServices({ runtime: { ...runtime, now: () => now } });
		const elsewhere = async (method: string, path: string, json?: unknown) =>
			(await sendTo(server, method, path, { key, json })).status;
		expect(await elsewhere("GET", `/v1/jobs/${job.id}`)).toBe(200);
		expect((await send("GET", `/v1/jobs/${job.id}`, { key })).status).toBe(200);

		await admin("DELETE", `/tenants/${tenantId}`);

		expect((await send("GET", `/v1/jobs/${job.id}`, { key })).status).toBe(401);
		now += 9_999;
		expect(await elsewhere("GET", `/v1/jobs/${job.id}`)).toBe(404);
		expect(await elsewhere("POST", "/v1/jobs", LATER)).toBe(401);
		expect(await elsewhere("POST", `/v1/jobs/${job.id}/cancel`)).toBe(404);
		const endpoint = { name: "crm", url: "https://crm.example.com/hook", event_types: ["job.*"] };
		expect(await elsewhere("POST", "/v1/webhook_endpoints", endpoint)).toBe(401);
		now += 1;
		expect(await elsewhere("GET", `/v1/jobs/${job.id}`)).toBe(401);
	});

	it("ends signed links, which work without a key", async () => {
		const { tenantId } = await aCaller();
		const job = await aSucceededJob(tenantId);
		const [signingKey = ""] = theServices().services.config.signingKeys;
		const link = await signedResultUrl(runtime, signingKey, "", job, runtime.now() + HOUR);
		expect((await send("GET", link)).status).toBe(200);
		await admin("DELETE", `/tenants/${tenantId}`);
		expect((await send("GET", link)).status).toBe(404);
	});
});
