import { expect, it } from "vitest";
import { HostCache } from "../../../../shared/webhooks/host-cache.ts";
import { DNS_URL, fakeDns, PUBLIC } from "../../../support/fake-dns.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";

it("made-up names do not fill the memory: when it is full, it starts over", async () => {
	const { fetch, asked } = fakeDns(() => PUBLIC);
	const runtime = fakeRuntime({ fetch });
	const cache = new HostCache(3);
	const lookUp = async (...names: string[]) => {
		const before = asked.length;
		for (const name of names) await cache.resolve(runtime, DNS_URL, `${name}.example.com`);
		return (asked.length - before) / 2;
	};
	expect(await lookUp("a", "b", "c")).toBe(3);
	expect(await lookUp("a", "b", "c")).toBe(0);
	expect(await lookUp("d")).toBe(1);
	expect(await lookUp("d")).toBe(0);
	expect(await lookUp("a")).toBe(1);
});
