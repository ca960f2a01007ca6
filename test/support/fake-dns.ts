/** A resolver that answers DNS over HTTPS as the test says, and names whose records are a trap. */
import type { Resolution } from "../../shared/webhooks/resolve-host.ts";
import { streamOf } from "./stream-of.ts";

export const DNS_URL = "https://dns.example.net/dns-query";

/** What a resolver says of a name when asked for one type. */
export type DnsReply = (type: "A" | "AAAA") => Response | Promise<Response>;

interface Records {
	A?: string[];
	AAAA?: string[];
	/** They come before the addresses, as a resolver tells that followed them. */
	aliases?: string[];
	code?: number;
	TTL?: number;
}

export function records({ A = [], AAAA = [], aliases = [], code = 0, TTL = 60 }: Records): DnsReply {
	return (type) => {
		const addresses = type === "A" ? A : AAAA;
		const all = [
			...aliases.map((data) => ({ type: 5, data })),
			...addresses.map((data) => ({ type: type === "A" ? 1 : 28, data })),
		].map((record) => ({ name: "x.", TTL, ...record }));
		return says(
			JSON.stringify({ Status: code, TC: false, RD: true, RA: true, ...(all.length > 0 && { Answer: all }) }),
		);
	};
}

export const PUBLIC = records({ A: ["93.184.215.14"], AAAA: ["2606:2800:21f:cb07:6820:80da:af6b:8b2c"] });
export const PRIVATE = records({ A: ["10.0.0.5"] });
export const LOOPBACK = records({ A: ["127.0.0.1"], AAAA: ["::1"] });
const SERVFAIL = records({ code: 2 });

export const never: DnsReply = () => new Promise<Response>(() => undefined);
const says = (body: ReadableStream | string | null, init: ResponseInit = {}) =>
	new Response(typeof body === "string" ? streamOf(body) : body, init);
const each =
	(A: DnsReply, AAAA: DnsReply): DnsReply =>
	(type) =>
		(type === "A" ? A : AAAA)(type);

/** The fetch of a runtime: `reply` answers for a name, `receive` whatever is no question to the resolver. */
export function fakeDns(
	reply: (host: string) => DnsReply,
	receive: (url: string, init: RequestInit) => Promise<Response> = async (url) => {
		throw new Error(`${url} is not the resolver`);
	},
) {
	const asked: string[] = [];
	async function fetch(url: string, init: RequestInit): Promise<Response> {
		if (!url.startsWith(DNS_URL)) return await receive(url, init);
		const { searchParams } = new URL(url);
		const host = searchParams.get("name") ?? "";
		const type = searchParams.get("type") === "A" ? "A" : "AAAA";
		asked.push(`${type} ${host}`);
		const aborted = new Promise<never>((_resolve, reject) => {
			init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
		});
		return await Promise.race([reply(host)(type), aborted]);
	}
	return { fetch, asked };
}

const V4 = [
	"0.0.0.0 10.0.0.5 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1",
	"198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 127.1 0x7f000001 0177.0.0.1",
];
const V6 = [
	":: ::1 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1::",
	"2001::1 fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 3fff::1 100::1 5f00::1 fe80::1%eth0",
];

type Name = readonly [what: string, reply: DnsReply];

const PUBLIC_NAMES: Name[] = [
	["public in both families", records({ A: ["93.184.215.14", "1.1.1.1"], AAAA: ["2606:4700::1111"] })],
	["IPv4 alone", records({ A: ["93.184.215.14"] })],
	["IPv6 alone", records({ AAAA: ["2606:4700::1111"] })],
	["a chain of aliases", records({ aliases: ["a.cdn.example.net.", "b_1.cdn.example.net."], A: ["1.1.1.1"] })],
	["just outside of carriers' NAT", records({ A: ["100.63.255.254", "100.128.0.1"] })],
	["a mapped public address", records({ AAAA: ["::ffff:8.8.8.8"] })],
];

const PRIVATE_NAMES: [...Name, address: string][] = [
	...V4.flatMap((list) => list.split(" ")).map((ip) => [ip, records({ A: [ip] }), ip] satisfies [...Name, string]),
	...V6.flatMap((list) => list.split(" ")).map((ip) => [ip, records({ AAAA: [ip] }), ip] satisfies [...Name, string]),
	["a private address behind a public one", records({ A: ["1.1.1.1", "10.0.0.5"] }), "10.0.0.5"],
	["public IPv4 and loopback IPv6", records({ A: ["1.1.1.1"], AAAA: ["::1"] }), "::1"],
	["loopback IPv4 and public IPv6", records({ A: ["127.0.0.1"], AAAA: ["2606:4700::1111"] }), "127.0.0.1"],
	["private IPv4, IPv6 not answered", each(PRIVATE, SERVFAIL), "10.0.0.5"],
	["private IPv4, IPv6 hanging", each(PRIVATE, never), "10.0.0.5"],
	["an alias of localhost without an address", records({ aliases: ["localhost."] }), "localhost"],
	["an alias of localhost that looks public", records({ aliases: ["LocalHost."], A: ["1.1.1.1"] }), "localhost"],
	["an alias of localhost with its address", records({ aliases: ["localhost."], A: ["127.0.0.1"] }), "localhost"],
	[
		"a chain into a cloud",
		records({ aliases: ["a.example.net.", "metadata.google.internal."], code: 3 }),
		"metadata.google.internal",
	],
	["an alias of a machine nearby", records({ aliases: ["printer."] }), "printer"],
];

const MISSING_NAMES: Name[] = [
	["NXDOMAIN", records({ code: 3 })],
	["no record of either family", records({})],
	["an alias of nothing", records({ aliases: ["gone.example.net."], code: 3 })],
	["Answer: null", () => says('{"Status":0,"Answer":null}')],
	["records of other types alone", () => says('{"Status":0,"Answer":[{"type":46,"data":"A 13 2 60"}]}')],
];

const NO_ANSWER = "DNS did not respond";
const UNREADABLE = "the DNS response is unreadable";

const UNKNOWN_NAMES: [...Name, why: string][] = [
	["SERVFAIL", SERVFAIL, "DNS responded with code 2"],
	["REFUSED", records({ code: 5 }), "DNS responded with code 5"],
	["public IPv4, IPv6 SERVFAIL", each(PUBLIC, SERVFAIL), "DNS responded with code 2"],
	["public IPv6, IPv4 SERVFAIL", each(SERVFAIL, PUBLIC), "DNS responded with code 2"],
	["NXDOMAIN, IPv6 hanging", each(records({ code: 3 }), never), NO_ANSWER],
	["a resolver that never answers", never, NO_ANSWER],
	[
		"a resolver that refuses connections",
		() => Promise.reject(new TypeError("connect to 10.1.2.3 refused")),
		NO_ANSWER,
	],
	[
		"a body that never ends",
		() => says(new ReadableStream({ pull: (body) => body.enqueue(bytes(" ".repeat(1_000))) })),
		UNREADABLE,
	],
	[
		"a body that stalls",
		() => says(new ReadableStream({ start: (body) => body.enqueue(bytes('{"Status":0')) })),
		NO_ANSWER,
	],
	[
		"a body that breaks off",
		() => says(new ReadableStream({ pull: (body) => body.error(new Error("broken")) })),
		NO_ANSWER,
	],
	["a body of 64 KiB and a byte", () => says('{"Status":3}'.padEnd(65_537)), UNREADABLE],
	["HTTP 200 without a body", () => says(null), UNREADABLE],
	["HTTP 204", () => says(null, { status: 204 }), "DNS responded with HTTP status 204"],
	["HTTP 302", () => says(null, { status: 302, headers: { location: "/" } }), "DNS responded with HTTP status 302"],
	["HTTP 403 with a good body", () => says('{"Status":3}', { status: 403 }), "DNS responded with HTTP status 403"],
	["HTTP 500", () => says("oops", { status: 500 }), "DNS responded with HTTP status 500"],
	["HTTP 530 of the edge", () => says("error code: 1016", { status: 530 }), "DNS responded with HTTP status 530"],
	[
		"a truncated answer",
		() => says('{"Status":0,"TC":true,"Answer":[{"type":1,"data":"1.1.1.1"}]}'),
		"the DNS response is truncated",
	],
	...[
		["HTML", "<html>blocked</html>"],
		["null", "null"],
		["a list", "[]"],
		["no status", '{"Answer":[{"type":1,"data":"1.1.1.1"}]}'],
		["a status in words", '{"Status":"0","Answer":[{"type":1,"data":"1.1.1.1"}]}'],
		["an answer that is no list", '{"Status":0,"Answer":{"type":1,"data":"1.1.1.1"}}'],
		["a record without data", '{"Status":0,"Answer":[{"type":1}]}'],
		["an address that is none", '{"Status":0,"Answer":[{"type":1,"data":"1.1.1.1"},{"type":1,"data":"<script>"}]}'],
		["an empty address", '{"Status":0,"Answer":[{"type":1,"data":""}]}'],
		["half a body", '{"Status":0,"Answer":[{"type":1,"da'],
	].map(([what = "", body = ""]) => [what, () => says(body), UNREADABLE] satisfies [...Name, string]),
];

function bytes(text: string): Uint8Array {
	return new TextEncoder().encode(text);
}

export interface TrapName {
	/** A name of its own, the same for everybody who uses this table. */
	host: string;
	what: string;
	reply: DnsReply;
	found: Resolution;
}

export const NAMES: readonly TrapName[] = [
	...PUBLIC_NAMES.map(([what, reply]) => ({ what, reply, found: { kind: "public", ttlSeconds: 60 } as const })),
	...PRIVATE_NAMES.map(([what, reply, address]) => ({ what, reply, found: { kind: "private", address } as const })),
	...MISSING_NAMES.map(([what, reply]) => ({ what, reply, found: { kind: "missing" } as const })),
	...UNKNOWN_NAMES.map(([what, reply, why]) => ({ what, reply, found: { kind: "unknown", why } as const })),
].map((name, at) => ({ host: `trap-${at}.example.com`, ...name }));

/** Answers for every name of the table; others are public. */
export function replyOfNames(host: string): DnsReply {
	return NAMES.find((name) => name.host === host)?.reply ?? PUBLIC;
}
