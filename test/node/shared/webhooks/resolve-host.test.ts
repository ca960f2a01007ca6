import { describe, expect, it } from "vitest";
import { type Resolution, resolveHost } from "../../../../shared/webhooks/resolve-host.ts";
import { DNS_URL, type DnsReply, fakeDns, NAMES, never, PUBLIC, replyOfNames } from "../../../support/fake-dns.ts";
import { fakeRuntime, settled } from "../../../support/fake-runtime.ts";

/** What is found, after how long, and what was asked for. */
async function resolved(reply: DnsReply) {
	const { fetch, asked } = fakeDns(() => reply);
	const runtime = fakeRuntime({ fetch });
	const startedAt = runtime.now();
	let found: Resolution | undefined;
	let afterMs = 0;
	const over = resolveHost(runtime, DNS_URL, "hooks.example.com").then((resolution) => {
		found = resolution;
		afterMs = runtime.now() - startedAt;
	});
	await settled();
	if (found === undefined) await runtime.advance(10_000);
	await over;
	return { found, afterMs, asked, pendingTimers: runtime.pendingTimers() };
}

describe("what DNS says of a name decides", () => {
	it.each(NAMES)("$found.kind: $what", async ({ reply, found }) => {
		expect(await resolved(reply)).toMatchObject({ found, asked: ["A hooks.example.com", "AAAA hooks.example.com"] });
	});

	it("the table of names covers every classification", () => {
		expect(new Set(NAMES.map(({ found }) => found.kind)).size).toBe(4);
		expect(NAMES.length).toBeGreaterThanOrEqual(70);
	});
});

describe("a lookup", () => {
	it("ends after 3 s whatever the resolver does, and leaves no timer and no open request behind", async () => {
		const slow = NAMES.filter(({ reply, what }) => reply === never || /hang|stalls/.test(what));
		expect(slow.length).toBeGreaterThan(2);
		for (const { reply } of slow) expect(await resolved(reply)).toMatchObject({ afterMs: 3_000, pendingTimers: 0 });

		const signals: (AbortSignal | null | undefined)[] = [];
		const runtime = fakeRuntime({
			async fetch(_url, init) {
				signals.push(init.signal);
				return await new Promise<Response>(() => undefined);
			},
		});
		const over = resolveHost(runtime, DNS_URL, "hooks.example.com");
		await runtime.advance(3_000);
		await over;
		expect(signals.map((signal) => signal?.aborted)).toEqual([true, true]);
	});

	it("asks both families at once", async () => {
		let waiting = 0;
		let most = 0;
		const { found } = await resolved(async (type) => {
			most = Math.max(most, ++waiting);
			await settled();
			waiting -= 1;
			return await PUBLIC(type);
		});
		expect([found, most]).toEqual([{ kind: "public", ttlSeconds: 60 }, 2]);
	});

	it("reads no more than 64 KiB of an answer, and cancels the rest", async () => {
		let pulls = 0;
		let cancelled = 0;
		const endless = () =>
			new ReadableStream<Uint8Array>({
				pull(body) {
					pulls += 1;
					body.enqueue(new Uint8Array(1_024));
				},
				cancel() {
					cancelled += 1;
				},
			});
		expect(await resolved(() => new Response(endless()))).toMatchObject({ found: { kind: "unknown" } });
		expect([pulls < 2 * 70, cancelled]).toEqual([true, 2]);
		expect(await resolved(() => new Response(endless(), { status: 502 }))).toMatchObject({
			found: { kind: "unknown" },
		});
		expect(cancelled).toBe(4);
	});

	it("is a GET for JSON that follows no redirect, keeps the resolver's own parameters, and tells of nothing but the name", async () => {
		const asked: { url: string; init: RequestInit }[] = [];
		const runtime = fakeRuntime({
			async fetch(url, init) {
				asked.push({ url, init });
				return await PUBLIC("A");
			},
		});
		await resolveHost(runtime, `${DNS_URL}?ct=json&name=ignored`, "hooks.example.com");
		expect(asked.map(({ url }) => url)).toEqual(
			["A", "AAAA"].map((type) => `${DNS_URL}?ct=json&name=hooks.example.com&type=${type}`),
		);
		for (const { init } of asked) {
			expect(init).toEqual({
				headers: { accept: "application/dns-json" },
				redirect: "manual",
				cache: "no-store",
				signal: expect.any(AbortSignal),
			});
		}
	});

	it("repeats nothing of what the resolver said, but for the address that is refused", async () => {
		const secret = "hunter2.internal.acme.com";
		const replies: DnsReply[] = [
			() => Promise.reject(new Error(secret)),
			() => new Response(secret),
			() => new Response(secret, { status: 500 }),
			() => new Response(JSON.stringify({ Status: 2, Comment: secret })),
			() => new Response(JSON.stringify({ Status: 0, Answer: [{ type: 1, data: secret }] })),
		];
		for (const reply of replies) expect(JSON.stringify((await resolved(reply)).found)).not.toContain("hunter2");
	});

	it("survives a runtime whose fetch throws at once", async () => {
		const runtime = fakeRuntime({
			fetch() {
				throw new TypeError("bad URL");
			},
		});
		expect(await resolveHost(runtime, DNS_URL, "a.example.com")).toEqual({
			kind: "unknown",
			why: "DNS did not respond",
		});
	});

	it("answers each of many names at once for itself", async () => {
		const { fetch } = fakeDns(replyOfNames);
		const runtime = fakeRuntime({ fetch });
		const over = Promise.all(NAMES.map(({ host }) => resolveHost(runtime, DNS_URL, host)));
		await runtime.advance(10_000);
		expect(await over).toEqual(NAMES.map(({ found }) => found));
	});
});
