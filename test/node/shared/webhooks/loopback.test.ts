import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkReceiver } from "../../../../shared/webhooks/check-receiver.ts";
import { postWebhook } from "../../../../shared/webhooks/post-webhook.ts";
import { runtime as realRuntime } from "../../../../workers/runtime.ts";
import { DNS_URL, fakeDns, LOOPBACK } from "../../../support/fake-dns.ts";
import { ALLOWED_URLS, REFUSED_URLS } from "../../../support/url-corpus.ts";

/** Something on this machine that a webhook must not touch: on IPv4 and IPv6, and it counts each connection. */
let hits = 0;
const sockets: Socket[] = [];
const listener = createServer((socket) => {
	hits += 1;
	sockets.push(socket);
	socket.on("error", () => undefined);
	socket.end("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
});
let port = 0;
beforeAll(async () => {
	await new Promise<void>((resolve) => listener.listen(0, () => resolve()));
	port = (listener.address() as AddressInfo).port;
});
afterAll(async () => {
	for (const socket of sockets) socket.destroy();
	await new Promise<void>((resolve) => listener.close(() => resolve()));
});

/** What the dispatcher does with an address, over the real network, where every name resolves to this machine. */
async function sendTo(url: string, allowInsecureWebhooks = false): Promise<void> {
	const { fetch } = fakeDns(
		() => LOOPBACK,
		(at, init) => realRuntime.fetch(at, init),
	);
	const runtime = { ...realRuntime, fetch };
	const check = await checkReceiver(runtime, { allowInsecureWebhooks, webhookDnsUrl: DNS_URL }, url, []);
	if (check.ok) await postWebhook(runtime, check.url, {}, "{}");
}

/** The same address, aimed at the listener's port, by either scheme. */
function aimed(url: string): string[] {
	const [, , rest = url] = /^([a-z]+:[/\\]*)(.*)$/is.exec(url) ?? [];
	const [authority = "", tail = ""] = [/^[^/?#\\]*/.exec(rest)?.[0], /[/?#\\].*$/s.exec(rest)?.[0]];
	const host = authority.replace(/:\d*$/, "");
	return ["http", "https"].map((scheme) => `${scheme}://${host}:${port}${tail}`);
}

it("the listener hears what is let through: in development, and by odd spellings that only the check knows", async () => {
	await sendTo(`http://127.0.0.1:${port}/`, true);
	await sendTo(`http://localhost:${port}/`, true);
	expect(hits).toBe(2);
	for (const host of ["0x7f000001", "127.1", "①②⑦.⓪.⓪.①", "[::ffff:127.0.0.1]"]) {
		await postWebhook(realRuntime, `http://${host}:${port}/`, {}, "{}");
	}
	expect(hits).toBe(6);
});

it("no address of the table reaches it, as given or aimed at its port, nor does a name that resolves to it", async () => {
	const before = hits;
	const urls = [...REFUSED_URLS, ...ALLOWED_URLS].flatMap(({ url }) => [url, ...aimed(url)]);
	expect(urls.length).toBeGreaterThan(600);
	for (const url of urls) await sendTo(url);
	expect(hits - before).toBe(0);
});
