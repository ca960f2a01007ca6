/** Access to the database and the bucket does not let anyone act as a caller, sign as the service, or read by a link. */
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { dumpAll } from "../support/dump.ts";
import { call, createCaller, RECEIVER, receiveWebhooks } from "../support/real-service.ts";

/** Of two jobs, their start and success; and one of them has a receiver of its own. */
const WEBHOOKS = 5;
const received = receiveWebhooks();

const Made = z.object({ id: z.string() });
const Key = Made.extend({ key: z.string() });
const Endpoint = Made.extend({ signing_secret: z.string() });
const Secret = z.object({ secret: z.string() });
const Event = z.object({ type: z.string(), data: z.object({ result_url: z.string() }) });

/** Keys, endpoints, one-off webhooks, rotations and links: every secret that the service ever shows. */
async function story(): Promise<Record<string, string>> {
	const { tenantId, key } = await createCaller();
	const revoked = Key.parse(await call(env.ADMIN_TOKEN, "POST", `/v1/admin/tenants/${tenantId}/keys`, {}));
	await call(env.ADMIN_TOKEN, "DELETE", `/v1/admin/keys/${revoked.id}`);

	const made = Endpoint.parse(
		await call(key, "POST", "/v1/webhook_endpoints", { name: "crm", url: RECEIVER, event_types: ["job.*"] }),
	);
	const keep = { keep_old_secret_active_for_24_hours: true };
	const rotated = Endpoint.parse(await call(key, "POST", `/v1/webhook_endpoints/${made.id}/rotate_secret`, keep));
	const own = Secret.parse(await call(key, "GET", "/v1/webhook_signing_secret"));
	const next = Secret.parse(await call(key, "POST", "/v1/webhook_signing_secret/rotate", keep));
	const prompt = { messages: [{ role: "user", content: "Why is the sky blue?" }] };
	await call(key, "POST", "/v1/jobs", { input: prompt, webhook: { url: `${RECEIVER}/one-off` } });
	await call(key, "POST", "/v1/jobs", { input: { ...prompt, user: "u".repeat(40_000) } });
	const links = await vi.waitUntil(() => received.length >= WEBHOOKS && received.map(({ body }) => linkIn(body)), {
		timeout: 10_000,
	});
	return {
		"an API key": key,
		"a revoked API key": revoked.key,
		"an endpoint's old secret": made.signing_secret,
		"an endpoint's secret": rotated.signing_secret,
		"a tenant's old secret": own.secret,
		"a tenant's secret": next.secret,
		...Object.fromEntries(links.map((link, at) => [`the signature of link ${at}`, link])),
		ADMIN_TOKEN: env.ADMIN_TOKEN,
		SIGNING_KEY: env.SIGNING_KEY,
	};
}

/** The part of a link's signature that only the holder of SIGNING_KEY can make. */
function linkIn(body: string): string {
	const { searchParams } = new URL(Event.parse(JSON.parse(body)).data.result_url);
	return (searchParams.get("signature") ?? "").split(".").at(-1) ?? "";
}

describe("tables and bucket, after all that a tenant can do", () => {
	// A receiver's URL is stored as it was given, for that is where webhooks go: a secret that a caller puts in it is there.
	it("hold no key, no secret, no signature of a link and nothing of the operator's", async () => {
		const secrets = await story();
		const dump = await dumpAll();
		for (const place of ["tenants", "api_keys", "jobs", "webhook_endpoints", "deliveries", "audit_log", "R2"]) {
			expect(dump[place]?.length, place).toBeGreaterThan(100);
		}
		const all = Object.values(dump).join("\n");
		for (const [what, secret] of Object.entries(secrets)) {
			expect(secret.length, what).toBeGreaterThanOrEqual(16);
			// What follows the public part of a key, and the prefix of a secret.
			const hidden = secret.startsWith("hf_") ? secret.slice(30) : secret.replace("whsec_", "");
			for (const form of [hidden, hidden.slice(0, 16), btoa(secret), encodeURIComponent(hidden)]) {
				expect(all.includes(form), what).toBe(false);
			}
		}
		expect(all).not.toMatch(/whsec_|hf_[0-9a-z]{26}_/);
	}, 30_000);
});
