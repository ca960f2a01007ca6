import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AuditEntryList } from "../../../shared/api/audit.ts";
import { ADMIN, aCaller, aKey, type Call, errorOf, send } from "./caller.ts";
import { aSucceededJob } from "./jobs.ts";

const pageOf = async (path: string, key: string) => AuditEntryList.parse((await send("GET", path, { key })).body);
const ENDPOINT = { name: "crm", url: "https://crm.example.com/hook", event_types: ["job.*"] };

/** A caller who may do everything, and read what was done. */
async function aManager() {
	const caller = await aCaller();
	const scopes = ["jobs:read", "jobs:write", "webhooks:read", "webhooks:write", "secrets:read", "keys:manage"];
	return { ...caller, ...(await aKey(caller.tenantId, { scopes })) };
}

describe("the audit log", () => {
	it("lists each act through the API: who, what, to what, and the request that did it", async () => {
		const { tenantId, key, keyId } = await aManager();
		const done: [string, string, string][] = [];
		const act = async (method: string, path: string, action: string, target: string, call: Call = {}) => {
			const answer = await send(method, path, { key, ...call });
			expect(answer.status, answer.text).toBeLessThan(300);
			done.unshift([action, target, answer.headers.get("x-request-id") ?? ""]);
			return answer;
		};
		const made = await send("POST", "/v1/webhook_endpoints", { key, json: ENDPOINT });
		const { id: endpoint } = z.object({ id: z.string() }).parse(made.body);
		const path = `/v1/webhook_endpoints/${endpoint}`;
		await act("POST", path, "endpoint.updated", endpoint, { json: { name: "new" } });
		await act("POST", `${path}/rotate_secret`, "endpoint.secret_rotated", endpoint, { json: {} });
		await act("DELETE", path, "endpoint.deleted", endpoint);
		await act("POST", "/v1/webhook_signing_secret/rotate", "signing_secret.rotated", tenantId, { json: {} });
		await act("GET", "/v1/webhook_signing_secret", "signing_secret.read", tenantId);
		const { jobId } = await aSucceededJob(tenantId);
		await act("DELETE", `/v1/jobs/${jobId}`, "job.erased", jobId);

		const { data } = await pageOf("/v1/audit_log?limit=6", key);
		expect(data).toEqual(
			done.map(([action, target_id, request_id]) => ({
				id: request_id.replace("req_", "aud_"),
				object: "audit_entry",
				created_at: expect.any(String),
				actor: keyId,
				action,
				target_id,
				request_id,
			})),
		);
		const past = await pageOf("/v1/audit_log?order=asc&limit=4", key);
		expect(past.data.map(({ action, actor }) => [action, actor])).toEqual([
			["tenant.created", "operator"],
			["key.created", "operator"],
			["key.created", "operator"],
			["endpoint.created", keyId],
		]);
	});

	it("lists nothing that was refused, and no plain traffic", async () => {
		const { key } = await aManager();
		const before = (await pageOf("/v1/audit_log", key)).data.length;
		const json = { input: { messages: [{ role: "user", content: "Why?" }] }, delay_seconds: 3_600 };
		const job = z.object({ id: z.string() }).parse((await send("POST", "/v1/jobs", { key, json })).body);
		await send("GET", `/v1/jobs/${job.id}`, { key });
		expect((await send("DELETE", `/v1/jobs/${job.id}`, { key })).status).toBe(409);
		await send("POST", `/v1/jobs/${job.id}/cancel`, { key });
		await send("POST", "/v1/webhook_endpoints", { key, json: { ...ENDPOINT, url: "ftp://nowhere" } });
		await send("DELETE", "/v1/webhook_endpoints/we_01jq0000000000000000000000", { key });
		expect((await pageOf("/v1/audit_log", key)).data).toHaveLength(before);
	});

	it("is read page by page, either way", async () => {
		const { tenantId, key } = await aManager();
		for (let made = 0; made < 3; made++) await aKey(tenantId);
		const all = (await pageOf("/v1/audit_log", key)).data;
		for (const [order, expected] of [
			["desc", all],
			["asc", all.toReversed()],
		] as const) {
			const first = await pageOf(`/v1/audit_log?limit=4&order=${order}`, key);
			const second = await pageOf(`/v1/audit_log?order=${order}&after=${first.last_id}`, key);
			expect([first.has_more, second.has_more]).toEqual([true, false]);
			expect([...first.data, ...second.data]).toEqual(expected);
		}
		const refused = await send("GET", "/v1/audit_log?after=job_1", { key });
		expect([refused.status, errorOf(refused).param]).toEqual([400, "after"]);
	});

	it("shows each tenant its own entries alone, and the operator anyone's", async () => {
		const [mine, theirs] = [await aManager(), await aManager()];
		const own = (await send("GET", "/v1/audit_log", { key: mine.key })).text;
		expect(own).toContain(mine.keyId);
		for (const id of [theirs.tenantId, theirs.keyId]) expect(own).not.toContain(id);
		const after = (await pageOf("/v1/audit_log?limit=1", theirs.key)).last_id;
		const across = (await send("GET", `/v1/audit_log?order=asc&after=${after}`, { key: mine.key })).text;
		for (const id of [theirs.tenantId, theirs.keyId]) expect(across).not.toContain(id);

		const operators = await send("GET", `/v1/admin/tenants/${mine.tenantId}/audit_log`, { key: ADMIN });
		expect(operators.text).toBe(own);
		const unknown = await send("GET", "/v1/admin/tenants/ten_01jq0000000000000000000000/audit_log", { key: ADMIN });
		expect(unknown.status).toBe(404);
		expect((await send("GET", `/v1/admin/tenants/${mine.tenantId}/audit_log`, { key: mine.key })).status).toBe(401);
	});
});
