/** The platform cancels the request of a caller that leaves. Here, what it waits for then never comes. */
import { describe, expect, it, vi } from "vitest";
import { hostKey } from "../../../shared/core/webhooks/host-limits.ts";
import { runtime } from "../../../workers/runtime.ts";
import { aCaller, type Call, limit, send, sendTo } from "./caller.ts";
import { jobIn, LATER } from "./jobs.ts";
import { theServices } from "./services.ts";

const { key, tenantId } = await aCaller();
await limit(tenantId, { waits: 1 });

const never = () => new Promise<never>(() => undefined);
const MIB = 1024 * 1024;

describe("a caller that leaves", () => {
	it("gives up its place among those that wait for a job, once", async () => {
		const { id } = jobIn(await send("POST", "/v1/jobs", { key, json: LATER }));
		const { server, services } = theServices({ runtime: { ...runtime, sleep: never } });
		const leave = begin((call) => sendTo(server, "GET", `/v1/jobs/${id}`, { ...call, headers: { prefer: "wait=60" } }));
		const hasRoom = () => {
			const end = services.waits.begin(tenantId, 1);
			end?.();
			end?.();
			return end !== null;
		};
		await vi.waitFor(() => expect(hasRoom()).toBe(false));
		leave();
		expect(hasRoom()).toBe(true);
		expect([services.waits.begin(tenantId, 1), services.waits.begin(tenantId, 1)]).toEqual([
			expect.any(Function),
			null,
		]);
	});

	it("gives back the memory for its body", async () => {
		const { server, services } = theServices();
		const raw = new ReadableStream({ type: "bytes", pull: never });
		const headers = { "content-length": String(10 * MIB) };
		const leave = begin((call) => sendTo(server, "POST", "/v1/jobs", { ...call, raw, headers }));
		const hasMemory = () => {
			const share = services.memory.tryTake({ held: 90 * MIB, peak: 0 });
			if (share !== null) services.memory.release(share);
			return share !== null;
		};
		await vi.waitFor(() => expect(hasMemory()).toBe(false));
		leave();
		expect(hasMemory()).toBe(true);
	});

	it("counts no more among the requests to the host of the endpoint that it tests", async () => {
		const endpoint = { name: "crm", url: "https://crm.example.com/hook", event_types: ["job.failed"] };
		const { body } = await send("POST", "/v1/webhook_endpoints", { key, json: endpoint });
		const path = `/v1/webhook_endpoints/${Object(body).id}/test`;
		const { server, services } = theServices({ runtime: { ...runtime, fetch: never } });
		const leave = begin((call) => sendTo(server, "POST", path, { ...call, json: { event_type: "job.failed" } }));
		const isFree = () => {
			const host = hostKey(tenantId, endpoint.url);
			const over = services.hostLimits.enter(host, runtime.now(), { atOnce: 1, aSecond: 1_000 });
			over?.();
			return over !== null;
		};
		await vi.waitFor(() => expect(isFree()).toBe(false));
		leave();
		expect(isFree()).toBe(true);
	});
});

/** Sends a request that nothing ends, and returns what its caller does. */
function begin(request: (call: Call) => Promise<unknown>): () => void {
	const caller = new AbortController();
	void request({ key, signal: caller.signal });
	return () => caller.abort();
}
