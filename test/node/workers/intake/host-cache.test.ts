import { expect, it } from "vitest";
import { HostCache } from "../../../../workers/intake/host-cache.ts";
import { DNS_URL, fakeDns, PUBLIC } from "../../../support/fake-dns.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";

it("made-up names do not fill the memory: after 10,000 it begins anew", async () => {
	const { fetch, asked } = fakeDns(() => PUBLIC);
	const runtime = fakeRuntime({ fetch });
	const cache = new HostCache();
	const resolve = (host: string) => cache.resolve(runtime, DNS_URL, host);
	await Promise.all(Array.from({ length: 10_000 }, (_, at) => resolve(`a${at}.example.com`)));
	expect(asked).toHaveLength(20_000);
	await resolve("a0.example.com");
	expect(asked).toHaveLength(20_000);
	await resolve("one-more.example.com");
	await resolve("a0.example.com");
	expect(asked).toHaveLength(20_004);
});
