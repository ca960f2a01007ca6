import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkWebhookUrl, isPublicAddress } from "../../../../shared/core/webhook-address.ts";

const inProduction = (url: string) => checkWebhookUrl(url, { allowInsecure: false });
const inDevelopment = (url: string) => checkWebhookUrl(url, { allowInsecure: true });

const INVALID = "This is not a valid URL.";
const SCHEME = "The URL must begin with https://.";
const MENDED = "The URL must not contain spaces, control characters or backslashes: percent-encode them.";
const TOO_LONG = "The URL must not be longer than 2048 characters.";
const USER = "The URL must not contain a user name or a password.";
const PORT = "The URL's port must be 443 or 8443.";
const ADDRESS = "The URL's host must be a name, not an IP address.";
const PRIVATE_NAME = "The URL's host must be a public name.";
const SPELLING = "The URL's host must be made of letters, digits, hyphens and single dots.";

/** A URL of exactly `length` characters. */
const ofLength = (length: number) => "https://example.com/".padEnd(length, "a");

describe("no spelling of a private place passes", () => {
	const hosts: [problem: string, hosts: string[]][] = [
		[ADDRESS, ["0177.0.0.1", "0x7f000001", "127.1", "0", "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1."]],
		[ADDRESS, ["2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "169.254.169.254", "4294967295", "1.1.1.1"]],
		[INVALID, ["256.256.256.256", "1.2.3.4.5", "4294967296", "127.0.0.1%00.example.com", "", "a%2fb.example.com"]],
		[ADDRESS, ["[::]", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b:1::1]"]],
		[ADDRESS, ["[2002:7f00:1::]", "[fd00:ec2::254]", "[fe80::1]", "[5f00::1]", "[2606:4700:4700::1111]"]],
		[PRIVATE_NAME, ["localhost", "LOCALHOST", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "%6c%6f%63%61%6c%68%6f%73%74", "a.localhost", "intranet"]],
		[PRIVATE_NAME, ["metadata.google.internal", "x.local", "x.home.arpa", "home.arpa", "x.onion", "x.test"]],
		[PRIVATE_NAME, ["x.invalid", "x.example", "X.LOCAL"]],
		[SPELLING, ["localhost.", "metadata.google.internal.", "example.com.", "a..example.com", ".example.com"]],
		[SPELLING, ["a_b.example.com", "-a.example.com", "a-.example.com", `${"a".repeat(64)}.com`, "a!b.com", "*.a.com"]],
		[SPELLING, [`${"a.".repeat(126)}com`]],
	];
	it.each(hosts.flatMap(([problem, names]) => names.map((name) => [name, problem])))("%s", (host, problem) => {
		expect(inProduction(`https://${host}/`)).toEqual({ ok: false, problem });
	});
});

describe("no form of URL but a plain https one passes", () => {
	it.each([
		["", INVALID],
		["example.com", INVALID],
		["//example.com", INVALID],
		["https://", INVALID],
		["https://example.com:65536/", INVALID],
		["https://exa mple.com", MENDED],
		[" https://example.com", MENDED],
		["https://exam\tple.com", MENDED],
		["https://exam\nple.com", MENDED],
		["https://example.com/\u0000", MENDED],
		["https://example.com\\@127.0.0.1/", MENDED],
		["http://example.com\\@127.0.0.1/", MENDED],
		["http://example.com/", SCHEME],
		["http://127.0.0.1#@example.com/", SCHEME],
		["https://127.0.0.1#@example.com/", ADDRESS],
		["https://127.0.0.1?@example.com/", ADDRESS],
		["ftp://example.com/", SCHEME],
		["file:///etc/passwd", SCHEME],
		["data:text/plain,x", SCHEME],
		["javascript:alert(1)", SCHEME],
		["blob:https://example.com/1", SCHEME],
		["gopher://example.com/", SCHEME],
		["wss://example.com/", SCHEME],
		["https://user@example.com/", USER],
		["https://:password@example.com/", USER],
		["https://example.com@127.0.0.1/", USER],
		...[0, 22, 25, 80, 6379, 8080, 8787].map((port) => [`https://example.com:${port}/`, PORT]),
		[ofLength(2049), TOO_LONG],
		[`https://example.com/${"a/../".repeat(500)}`, TOO_LONG],
		[`https://example.com/?${"é".repeat(700)}`, TOO_LONG],
	])("%s", (url, problem) => {
		expect(inProduction(url)).toEqual({ ok: false, problem });
	});
});

describe("a public https URL passes, in the form to store and call", () => {
	it.each([
		["https://example.com", "https://example.com/"],
		["https://example.com:443/hook?token=a%20b", "https://example.com/hook?token=a%20b"],
		["https://example.com:8443/", "https://example.com:8443/"],
		["HTTPS://Hooks.EXAMPLE.com/A/../B", "https://hooks.example.com/B"],
		["https://ex\u00adample.com/", "https://example.com/"],
		["https://bücher.example.org/", "https://xn--bcher-kva.example.org/"],
		["https://localhost.example.com/", "https://localhost.example.com/"],
		["https://my.notlocal/", "https://my.notlocal/"],
		["https://1.2.3.4.example.com/", "https://1.2.3.4.example.com/"],
		[ofLength(2048), ofLength(2048)],
		// A name like any other: only the address that DNS gives for it tells.
		["https://169.254.169.254.nip.io/", "https://169.254.169.254.nip.io/"],
	])("%s", (url, normalised) => {
		expect(inProduction(url)).toEqual({ ok: true, url: normalised });
		expect(inProduction(normalised)).toEqual({ ok: true, url: normalised });
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
		expect(checkWebhookUrl(url, policy)).toEqual({
			ok: false,
			problem: "The URL must not point at this service itself.",
		});
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

	it("judges every mapped address as the IPv4 address in it", () => {
		fc.assert(
			fc.property(fc.ipV4(), (ip) => {
				expect(isPublicAddress(`::ffff:${ip}`)).toBe(isPublicAddress(ip));
			}),
		);
	});
});
