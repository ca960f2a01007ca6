import { describe, expect, it } from "vitest";
import { checkReceiver } from "../../../../shared/webhooks/check-receiver.ts";
import { DNS_URL, fakeDns, NAMES, PRIVATE, PUBLIC, replyOfNames } from "../../../support/fake-dns.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";
import { ALLOWED_URLS, REFUSED_URLS } from "../../../support/url-corpus.ts";

const PRODUCTION = { allowInsecureWebhooks: false, webhookDnsUrl: DNS_URL };
const DEVELOPMENT = { allowInsecureWebhooks: true, webhookDnsUrl: DNS_URL };
const OWN = ["acme.workers.dev"];

describe("checkReceiver", () => {
	it("refuses every address of the table for its form, and asks DNS for none of them", async () => {
		const { fetch, asked } = fakeDns(() => PUBLIC);
		for (const { url, problem } of REFUSED_URLS) {
			const check = await checkReceiver(fakeRuntime({ fetch }), PRODUCTION, url, OWN);
			expect(check, url).toEqual({ ok: false, problem, url: null, isCertain: true });
		}
		expect(asked).toEqual([]);
	});

	it("allows each honest one whose name has public addresses, in the form to call, and asks for that form's host", async () => {
		for (const { url, stored } of ALLOWED_URLS) {
			const { fetch, asked } = fakeDns(() => PUBLIC);
			expect(await checkReceiver(fakeRuntime({ fetch }), PRODUCTION, url, OWN)).toEqual({ ok: true, url: stored });
			const { hostname } = new URL(stored);
			expect(asked).toEqual([`A ${hostname}`, `AAAA ${hostname}`]);
		}
	});

	it.each(NAMES)("decides on a name by its DNS records: $found.kind, $what", async ({ host, found }) => {
		const runtime = fakeRuntime({ fetch: fakeDns(replyOfNames).fetch });
		const over = checkReceiver(runtime, PRODUCTION, `https://${host}/hook?token=hunter2`, []);
		await runtime.advance(10_000);
		const url = `https://${host}/hook?token=hunter2`;
		const check = await over;
		if (found.kind === "public") return expect(check).toEqual({ ok: true, url });
		const said = {
			private: "address" in found ? found.address : "",
			missing: "no address",
			unknown: "could not be resolved",
		};
		const problem = expect.stringContaining(said[found.kind]);
		expect(check).toEqual({ ok: false, problem, url, isCertain: found.kind !== "unknown" });
		expect(check.ok || check.problem).toMatch(/^The URL's host .*\.$/);
		expect(check.ok || check.problem).not.toContain("hunter2");
	});

	it("asks no DNS where there is none to ask", async () => {
		const runtime = fakeRuntime();
		const config = { ...PRODUCTION, webhookDnsUrl: null };
		expect((await checkReceiver(runtime, config, "https://hooks.example.com/", [])).ok).toBe(true);
	});

	it.each(["http://127.0.0.1:9999/hook", "http://localhost:3000/", "http://[::1]:8080/"])(
		"lets %s pass in development alone, where no DNS knows it",
		async (url) => {
			const { fetch, asked } = fakeDns(() => PRIVATE);
			expect(await checkReceiver(fakeRuntime({ fetch }), DEVELOPMENT, url, [])).toEqual({ ok: true, url });
			expect((await checkReceiver(fakeRuntime({ fetch }), PRODUCTION, url, [])).ok).toBe(false);
			expect(asked).toEqual([]);
		},
	);

	it("asks for names in development too, where it is given a resolver", async () => {
		const { fetch } = fakeDns(() => PRIVATE);
		const check = await checkReceiver(fakeRuntime({ fetch }), DEVELOPMENT, "http://hooks.example.com/", []);
		expect(check).toMatchObject({ ok: false, isCertain: true });
	});
});
