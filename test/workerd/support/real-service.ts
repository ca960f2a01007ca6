/** The real Worker, with its real queues and clock; only receivers are replaced. */
import { env, exports } from "cloudflare:workers";
import { afterAll, beforeAll, expect } from "vitest";
import { z } from "zod";

export const RECEIVER = "https://hooks.acme-receiver.com/jobs";
const Created = z.object({ id: z.string() });

/** What receivers got since the file began, once a test calls this. */
export function receiveWebhooks(): { headers: Record<string, string>; body: string }[] {
	const received: { headers: Record<string, string>; body: string }[] = [];
	const { fetch } = globalThis;
	beforeAll(() => {
		globalThis.fetch = async (input, init) => {
			const { url, headers } = new Request(input, init);
			if (!url.startsWith(RECEIVER)) throw new TypeError(`nothing replies at ${url}`);
			received.push({ headers: Object.fromEntries(headers), body: await new Request(input, init).text() });
			return new Response("thanks");
		};
	});
	afterAll(() => {
		globalThis.fetch = fetch;
	});
	return received;
}

/** One request that succeeds. */
export async function call(bearer: string, method: string, path: string, body?: object): Promise<unknown> {
	const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
	const json = body === undefined ? {} : { body: JSON.stringify(body) };
	const response = await exports.default.fetch(`https://jobs.test${path}`, { method, headers, ...json });
	expect(response.status, await response.clone().text()).toBeLessThan(300);
	return response.status === 204 ? null : await response.json();
}

/** A new tenant's id, and an API key of it. */
export async function createCaller(): Promise<{ tenantId: string; key: string }> {
	const { id: tenantId } = Created.parse(await call(env.ADMIN_TOKEN, "POST", "/v1/admin/tenants", { name: "acme" }));
	const made = await call(env.ADMIN_TOKEN, "POST", `/v1/admin/tenants/${tenantId}/keys`, { name: "k" });
	return { tenantId, key: z.object({ key: z.string() }).parse(made).key };
}
