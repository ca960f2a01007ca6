import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkWebhookUrl, isPublicAddress, ownHosts } from "../../../../../shared/core/webhooks/webhook-address.ts";
import { ADDRESS, ALLOWED_URLS, OWN, PORT, PRIVATE_NAME, REFUSED_URLS, USER } from "../../../../support/url-corpus.ts";

const OWN_HOSTS = ["acme.workers.dev"];
const inProduction = (url: string) => checkWebhookUrl(url, { allowInsecure: false, ownHosts: OWN_HOSTS });
const inDevelopment = (url: string) => checkWebhookUrl(url, { allowInsecure: true, ownHosts: OWN_HOSTS });

describe("no spelling of a private place passes, and no form but a plain https one", () => {
	it.each(REFUSED_URLS)("$url", ({ url, problem }) => {
		expect(inProduction(url)).toEqual({ ok: false, problem });
	});

	it("the table of them is as long as it was meant to be, and says each but once", () => {
		expect(new Set(REFUSED_URLS.map(({ url }) => url)).size).toBe(REFUSED_URLS.length);
		expect(REFUSED_URLS.length).toBeGreaterThanOrEqual(200);
	});
});

describe("a public https URL passes, in the form to store and call", () => {
	it.each(ALLOWED_URLS)("$url", ({ url, stored }) => {
		expect(inProduction(url)).toEqual({ ok: true, url: stored });
		expect(inProduction(stored)).toEqual({ ok: true, url: stored });
	});

	it("whatever passes, its host is one that only DNS can turn into an address", () => {
		const host = fc.oneof(fc.domain(), fc.ipV4Extended(), fc.ipV6(), fc.string({ unit: "binary" }));
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc.webUrl(),
					host.map((name) => `https://${name}/`),
				),
				(raw) => {
					const check = inProduction(raw);
					if (check.ok) expect(check.url).toMatch(/^https:\/\/([a-z0-9-]+\.)+[a-z0-9-]*[a-z][a-z0-9-]*(:8443)?[/?#]/);
				},
			),
			{ numRuns: 3000 },
		);
	});
});

describe("this service's own names are refused, whatever their port or subdomain", () => {
	it.each(["https://jobs.acme.workers.dev/", "https://x.jobs.acme.workers.dev:8443/"])("%s", (url) => {
		const policy = { allowInsecure: false, ownHosts: ["jobs.acme.workers.dev"] };
		expect(checkWebhookUrl(url, policy)).toEqual({ ok: false, problem: OWN });
		expect(checkWebhookUrl("https://other.workers.dev/", policy).ok).toBe(true);
	});
});

describe("in development, http and this machine pass as well, and nothing else private", () => {
	it.each([
		["http://example.com/", "http://example.com/"],
		["http://127.0.0.1:9999/hook", "http://127.0.0.1:9999/hook"],
		["http://localhost:3000", "http://localhost:3000/"],
		["https://localhost/", "https://localhost/"],
		["http://[::1]:8080/", "http://[::1]:8080/"],
	])("%s passes", (url, normalised) => {
		expect(inDevelopment(url)).toEqual({ ok: true, url: normalised });
		expect(inProduction(url).ok).toBe(false);
	});

	it.each([
		["http://10.0.0.1/", ADDRESS],
		["http://192.168.1.1:8080/", PORT],
		["http://127.0.0.2/", ADDRESS],
		["http://0.0.0.0/", ADDRESS],
		["http://169.254.169.254/latest/meta-data", ADDRESS],
		["http://[::ffff:127.0.0.1]/", ADDRESS],
		["http://[::]/", ADDRESS],
		["http://user@localhost/", USER],
		["http://x.local/", PRIVATE_NAME],
		["http://x.localhost/", PRIVATE_NAME],
		["http://receiver/", PRIVATE_NAME],
		["http://example.com:8080/", PORT],
		["ftp://localhost/", "The URL must begin with https:// or http://."],
	])("%s does not", (url, problem) => {
		expect(inDevelopment(url)).toEqual({ ok: false, problem });
	});
});

describe("isPublicAddress", () => {
	// Edges of the ranges after the tables of stripe/smokescreen, svix/svix-webhooks and frain-dev/convoy.
	it.each([
		"1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.254 100.128.0.1 126.255.255.255 128.0.0.0",
		"169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.167.255.255",
		"192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 203.0.112.255 203.0.114.0 223.255.255.255",
		"2606:4700:4700::1111 2001:4860:4860::8888 2a00:1450:4001::1 3ffe::1 ::ffff:8.8.8.8 ::ffff:808:808",
	])("is true for %s", (addresses) => {
		expect(addresses.split(" ").filter((address) => !isPublicAddress(address))).toEqual([]);
	});

	it.each([
		["this host and network", "0.0.0.0 0.255.255.255"],
		["loopback", "127.0.0.1 127.255.255.255 ::1"],
		["private", "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 fc00:: fdff::1"],
		["link-local", "169.254.0.0 169.254.169.254 169.254.255.255 fe80::1 febf::1"],
		["carriers' NAT", "100.64.0.0 100.127.255.255"],
		["protocols and tests", "192.0.0.1 192.0.2.1 192.88.99.1 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1"],
		["multicast, reserved, broadcast", "224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.254 255.255.255.255 ff02::1"],
		["unspecified and compatible", ":: ::127.0.0.1 ::8.8.8.8"],
		["mapped", "::ffff:127.0.0.1 ::ffff:7f00:1 0:0:0:0:0:ffff:a9fe:a9fe ::ffff:10.0.0.1 ::ffff:0:127.0.0.1"],
		["IPv4 by another door", "64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1:: 2002:808:808:: 2001::1 2001:0:7f00:1::"],
		["documentation, discard, SRv6", "2001:db8::1 3fff::1 3fff:fff::1 100::1 5f00::1 2001:2::1 2001:10::1"],
		["clouds' metadata", "fd00:ec2::254 fec0::1 4000::1 1fff::1"],
		["no address in its plain form", "localhost 0177.0.0.1 127.1 8.8.8 2130706433 [::1] fe80::1%eth0 2606:4700::1%a"],
	])("is false for %s: %s", (_name, addresses) => {
		expect(addresses.split(" ").filter(isPublicAddress)).toEqual([]);
		expect(isPublicAddress("")).toBe(false);
	});

	it("treats every mapped address as the IPv4 address in it", () => {
		fc.assert(
			fc.property(fc.ipV4(), (ip) => {
				expect(isPublicAddress(`::ffff:${ip}`)).toBe(isPublicAddress(ip));
			}),
		);
	});
});

describe("ownHosts", () => {
	it("are all that the service is known to answer under", () => {
		const hosts = ownHosts(
			"https://jobs.acme.com/base",
			"http://127.0.0.1:8787",
			"https://JOBS.acme.net:8443/v1/jobs?a",
		);
		expect(hosts).toEqual(["jobs.acme.com", "127.0.0.1", "jobs.acme.net"]);
	});

	it("take in every Worker of the same account, and no other account's", () => {
		expect(ownHosts("https://holdfast.acme.workers.dev")).toEqual(["acme.workers.dev"]);
		expect(ownHosts("https://v2-holdfast.acme.workers.dev")).toEqual(["acme.workers.dev"]);
		expect(ownHosts("https://acme.workers.dev.example.com")).toEqual(["acme.workers.dev.example.com"]);
	});

	it("are none where nothing is known", () => {
		expect(ownHosts(null, "", "jobs")).toEqual([]);
	});
});
