import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { SCOPES, type Scope } from "../../../shared/core/tenants/api-key.ts";
import { Database } from "../../../shared/db/database.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { runtime } from "../../../workers/runtime.ts";
import { fuzz } from "../../fuzz/fuzz.ts";
import type { FuzzedService } from "../../fuzz/fuzzed-service.ts";
import { aDelivery, aJob } from "../support/a-job.ts";
import { meteredD1 } from "../support/watched-d1.ts";
import { ADMIN, aCaller, aKey, checkAnswer, noteAllUses } from "./caller.ts";
import { COMPLETION } from "./jobs.ts";
import { description } from "./least-call.ts";
import { theServices } from "./services.ts";

/** On real bindings. Nothing runs in the background, nothing leaves the machine, and there are no waits. */
function theService(): FuzzedService {
	const meter = meteredD1(env.DB);
	const queue = new Proxy(env.JOB_QUEUE, { get: () => async () => undefined });
	const { server, background } = theServices(
		{ db: new Database(meter.d1, runtime), runtime: { ...runtime, fetch: async () => new Response("taken") } },
		{ JOB_QUEUE: queue, DELIVERY_QUEUE: queue },
	);
	return {
		adminToken: ADMIN,
		troubles: [],
		wait: async () => {},
		end() {},
		open: anAccount,
		async ask(request) {
			request.headers.delete("prefer");
			// What the request before left for after its answer, such as a cancellation.
			await Promise.all(background.splice(0));
			meter.read();
			// The callers of doors hang up at once.
			const response = await server(new Request(request, { signal: AbortSignal.abort() }));
			const { status, headers } = response;
			const text = await response.text();
			const isJson = headers.get("content-type")?.startsWith("application/json") && text !== "" && status !== 206;
			const { pathname, search } = new URL(request.url);
			checkAnswer(request.method, pathname + search, {
				status,
				headers,
				text,
				body: isJson ? JSON.parse(text) : undefined,
			});
			return { status, headers, text, rowsChanged: meter.read().rowsWritten };
		},
	};
}

/** With a job that has succeeded and was delivered. */
async function anAccount(name: string) {
	const { tenantId } = await aCaller();
	const job = await aJob({ tenantId, status: "succeeded", resultBytes: COMPLETION.length, metadata: { note: name } });
	await env.RESULTS.put(resultKey(job), COMPLETION);
	await aDelivery(job, { url: `https://${name}.example.com/`, status: "delivered" });
	const keyFor = async (scopes: readonly Scope[]) => (await aKey(tenantId, { name, scopes: [...scopes] })).key;
	const single = await Promise.all(SCOPES.map(async (scope) => [scope, await keyFor([scope])]));
	const account = { tenantId, key: await keyFor(SCOPES), keyWith: Object.fromEntries(single) };
	await noteAllUses();
	return account;
}

describe("every answer", () => {
	it("is documented, safe and no other tenant's, whatever is asked", async () => {
		// The callers of all tests check bodies against the schemas themselves, to the last field.
		const outcome = await fuzz({
			seed: 7,
			requests: 1_000,
			api: description,
			checkSchema: () => null,
			start: theService,
		});
		expect(outcome.failure).toBeNull();
	}, 120_000);
});
