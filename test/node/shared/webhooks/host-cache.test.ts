import { describe, expect, it } from "vitest";
import { HostCache } from "../../../../shared/webhooks/host-cache.ts";
import { DNS_URL, type DnsReply, fakeDns, PRIVATE, PUBLIC, records } from "../../../support/fake-dns.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";

function aCache(reply: DnsReply = PUBLIC, entriesMax?: number) {
	const { fetch, asked } = fakeDns(() => reply);
	const [runtime, cache] = [fakeRuntime({ fetch }), new HostCache(entriesMax)];
	const resolve = (name: string, tenantId = "ten_1") =>
		cache.resolve(tenantId, runtime, DNS_URL, `${name}.example.com`);
	/** How many of the names are looked up. */
	const lookUp = async (...names: string[]) => {
		const before = asked.length;
		for (const name of names) await resolve(name);
		return (asked.length - before) / 2;
	};
	return { runtime, resolve, lookUp };
}

describe("HostCache", () => {
	it("starts over when it is full of invented names", async () => {
		const { lookUp } = aCache(PUBLIC, 3);
		expect(await lookUp("a", "b", "c")).toBe(3);
		expect(await lookUp("a", "b", "c")).toBe(0);
		expect(await lookUp("d")).toBe(1);
		expect(await lookUp("d")).toBe(0);
		expect(await lookUp("a")).toBe(1);
	});

	it.each([
		[0, 1_000],
		[30, 30_000],
		[3_600, 60_000],
	])("caches a name with a TTL of %i s for %i ms", async (TTL, cachedMs) => {
		const { lookUp, runtime } = aCache(records({ A: ["1.1.1.1"], TTL }));
		await lookUp("a");
		await runtime.advance(cachedMs - 1);
		expect(await lookUp("a")).toBe(0);
		await runtime.advance(1);
		expect(await lookUp("a")).toBe(1);
	});

	it("looks up no more names of a tenant than its share of a minute, and as many of another", async () => {
		const { lookUp, resolve, runtime } = aCache(PRIVATE);
		const names = Array.from({ length: 120 }, (_, at) => `n${at}`);
		expect(await lookUp(...names)).toBe(100);
		expect(await resolve("one-more")).toEqual({ kind: "unknown", why: "too many host names at once" });
		expect((await resolve("theirs", "ten_2")).kind).toBe("private");
		await runtime.advance(60_000);
		expect(await lookUp("one-more")).toBe(1);
	});
});
