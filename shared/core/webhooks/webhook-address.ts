/**
 * Where webhooks may go: public names over https, never into a private network. `checkWebhookUrl` checks the name, and
 * `isPublicAddress` each address that it resolves to. Neither replaces the other: `fetch` resolves the name once more.
 *
 * Only the parser's own view of a URL is checked, and only its normalised form is returned: store and call no other, because
 * two parsers may read different hosts from the same text.
 */
import ipaddr from "ipaddr.js";

export interface WebhookUrlPolicy {
	/** Local development: also accepts http and this machine itself, but no other private address. */
	allowInsecure: boolean;
	/** Host names of this service, see `ownHosts`. They and their subdomains are refused: it must not call itself. */
	ownHosts?: readonly string[];
}

export type WebhookUrlCheck = { ok: true; url: string } | { ok: false; problem: string };

const URL_LENGTH_MAX = 2048;

/** RFC 1035 §2.3.4, less the root's dot. */
const HOST_LENGTH_MAX = 253;

/** The default port of https and its usual alternative. With any other, this service could be used as a port scanner. */
const PORTS: readonly string[] = ["", "443", "8443"];

const LOOPBACK_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Names that never belong to a host on the Internet: RFC 6761 (localhost, test, invalid, example), RFC 6762 (local),
 * RFC 7686 (onion), RFC 9476 (alt), RFC 3172 (arpa, with home.arpa of RFC 8375), and ICANN's resolution 2024.07.29.06 (internal,
 * where clouds keep metadata). An operator's own resolver may know more; so each address that DNS returns is checked too.
 */
const SPECIAL_NAMES = ["localhost", "test", "invalid", "example", "local", "onion", "alt", "arpa", "internal"];

/** Whether `host` is this machine itself: `checkWebhookUrl` accepts it in local development only. */
export function isLoopbackHost(host: string): boolean {
	return LOOPBACK_HOSTS.includes(host);
}

/** Of a parsed URL. `ipaddr.js` throws for every name that it is asked about, which takes as long as all other checks. */
const IPV4 = /^\d+(?:\.\d+){3}$/;

/** Letters, digits and hyphens, none at an end (RFC 1123 §2.1). The parser has already made IDNs `xn--…` and capitals small. */
const LDH_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The parser drops or repairs these silently. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for control characters.
const SILENTLY_REPAIRED = /[\u0000-\u0020\u007f\\]/;

/** The form of `raw` to store and call, or one sentence about its problem that never quotes it. */
export function checkWebhookUrl(raw: string, policy: WebhookUrlPolicy): WebhookUrlCheck {
	if (raw.length > URL_LENGTH_MAX) return refused(`The URL must not be longer than ${URL_LENGTH_MAX} characters.`);
	if (SILENTLY_REPAIRED.test(raw)) {
		return refused("The URL must not contain spaces, control characters or backslashes: percent-encode them.");
	}
	const url = URL.parse(raw);
	if (url === null) return refused("This is not a valid URL.");
	const problem = problemOf(url, policy);
	return problem === null ? { ok: true, url: url.href } : refused(problem);
}

function problemOf(url: URL, policy: WebhookUrlPolicy): string | null {
	const { hostname, href, password, port, protocol, username } = url;
	if (protocol !== "https:" && !(policy.allowInsecure && protocol === "http:")) {
		return `The URL must begin with https://${policy.allowInsecure ? " or http://" : ""}.`;
	}
	// Percent-encoding may have made it longer.
	if (href.length > URL_LENGTH_MAX) return `The URL must not be longer than ${URL_LENGTH_MAX} characters.`;
	if (username !== "" || password !== "") return "The URL must not contain a user name or a password.";
	if (policy.allowInsecure && isLoopbackHost(hostname)) return null;
	if (!PORTS.includes(port)) return "The URL's port must be 443 or 8443.";
	return problemOfHost(hostname, policy.ownHosts ?? []);
}

function problemOfHost(host: string, ownHosts: readonly string[]): string | null {
	// The parser has already turned octal, hexadecimal, short and full-width spellings into four decimal parts, and refused
	// all else that ends in a number.
	if (host.startsWith("[") || IPV4.test(host)) {
		return "The URL's host must be a name, not an IP address.";
	}
	if (isSpecialName(host)) return "The URL's host must be a public name.";
	const labels = host.split(".");
	if (host.length > HOST_LENGTH_MAX || !labels.every((label) => LDH_LABEL.test(label))) {
		return "The URL's host must be made of letters, digits, hyphens and single dots.";
	}
	if (isUnder(host, ownHosts)) return "The URL must not point at this service itself.";
	return null;
}

/** Whether `host` means something only inside one network or machine, or nothing at all. */
export function isSpecialName(host: string): boolean {
	return isUnder(host, SPECIAL_NAMES) || !host.includes(".");
}

function isUnder(host: string, names: readonly string[]): boolean {
	return names.some((name) => host === name || host.endsWith(`.${name}`));
}

function refused(problem: string): WebhookUrlCheck {
	return { ok: false, problem };
}

/** The only part of IPv6 that IANA has opened for global unicast. Compatible, site-local and SRv6 addresses lie outside. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * Whether a webhook may go to this address, as DNS gave it. False also for a text that is not an address. An address is
 * public if no special-purpose registry of IANA lists it (RFC 6890). IPv6 forms of IPv4 addresses (mapped, NAT64, 6to4,
 * Teredo) are checked as that IPv4 address or refused outright.
 */
export function isPublicAddress(ip: string): boolean {
	if (ipaddr.IPv4.isValidFourPartDecimal(ip)) return ipaddr.IPv4.parse(ip).range() === "unicast";
	if (!ipaddr.IPv6.isValid(ip)) return false;
	// Hexadecimal throughout, because ipaddr.js mistakes the compatible `::8.8.8.8` for a mapped address. Undefined: it has a
	// zone (`fe80::1%eth0`), which is valid on one machine only.
	const canonical = URL.parse(`http://[${ip}]/`)?.hostname.slice(1, -1);
	if (canonical === undefined) return false;
	const address = ipaddr.IPv6.parse(canonical);
	if (address.isIPv4MappedAddress()) return address.toIPv4Address().range() === "unicast";
	return address.match(GLOBAL_UNICAST) && address.range() === "unicast";
}

/** Whether a URL's host is on the Internet, by its form alone. */
export function isPublicHost(hostname: string): boolean {
	const host = hostname.replace(/\.$/, "").replace(/^\[|\]$/g, "");
	return /^[\d.]+$/.test(host) || host.includes(":") ? isPublicAddress(host) : !isSpecialName(host);
}

/** Every Worker of an account has a name under `<account>.workers.dev`: versions of this one, and its neighbours. */
const WORKERS_DEV_ACCOUNT = /[^.]+\.workers\.dev$/;

/**
 * The host names of this service: no webhook may go there.
 * @param urls known base URLs of the service, such as PUBLIC_URL, a job's origin and those of OWN_HOSTS; null: not known
 */
export function ownHosts(...urls: (string | null)[]): string[] {
	return urls.flatMap((url) => {
		const host = url === null ? undefined : URL.parse(url)?.hostname;
		return host === undefined ? [] : [WORKERS_DEV_ACCOUNT.exec(host)?.[0] ?? host];
	});
}
