/**
 * Resolves a host by DNS over HTTPS, the only way a Worker has. `fetch` resolves the name again by itself, so an address may
 * change between this check and the call: the check narrows that gap but cannot close it.
 */
import ipaddr from "ipaddr.js";
import { z } from "zod";
import { parseJson } from "../core/json/json.ts";
import type { Runtime } from "../core/runtime.ts";
import { withTimeout } from "../core/timeout.ts";
import { isPublicAddress, isSpecialName } from "../core/webhooks/webhook-address.ts";

export type Resolution =
	/** `ttlSeconds`: how long its records may be cached. */
	| { kind: "public"; ttlSeconds: number }
	/** `address` is not public: an IP address, or a name with a meaning only inside a network. */
	| { kind: "private"; address: string }
	/** The name does not exist, or has no address. */
	| { kind: "missing" }
	/** DNS did not resolve it. `why` is our own text, never the resolver's. */
	| { kind: "unknown"; why: string };

export type Resolve = (runtime: Runtime, dnsUrl: string, host: string) => Promise<Resolution>;

/** Resolvers respond within a second or not at all. A submission waits for at most this long. */
const TIMEOUT_MS = 3_000;

/** Some hundred addresses. A larger response is not from a resolver. */
const RESPONSE_BYTES_MAX = 64 * 1024;

/** Record types (RFC 1035, RFC 3596). */
const [A, CNAME, AAAA] = [1, 5, 28];

/** Status codes (RFC 1035 §4.1.1): success, and "no such name". Any other code is a failure. */
const CONCLUSIVE = [0, 3];

/** The JSON of Google's and Cloudflare's resolvers, as far as it matters. `TC`: truncated. */
const DnsResponse = z.object({
	Status: z.number(),
	TC: z.boolean().default(false),
	Answer: z
		.array(z.object({ type: z.number(), data: z.string(), TTL: z.number().default(0) }))
		.nullish()
		.transform((records) => records ?? []),
});

type DnsRecord = z.infer<typeof DnsResponse>["Answer"][number];
type LookUp = { ok: true; records: DnsRecord[] } | { ok: false; why: string };

/**
 * Looks up both address families, because `fetch` may use either. One private address is enough to refuse, even if the other
 * family is unknown; "public" and "missing" need both.
 */
export const resolveHost: Resolve = async (runtime, dnsUrl, host) => {
	const lookUps = await Promise.all([lookUp(runtime, dnsUrl, host, "A"), lookUp(runtime, dnsUrl, host, "AAAA")]);
	const records = lookUps.flatMap((one) => (one.ok ? one.records : []));
	const address = records.map(privatePlaceOf).find((place) => place !== null);
	if (address !== undefined) return { kind: "private", address };
	for (const one of lookUps) if (!one.ok) return { kind: "unknown", why: one.why };
	if (!records.some(isAddress)) return { kind: "missing" };
	return { kind: "public", ttlSeconds: Math.min(...records.map(({ TTL }) => TTL)) };
};

function isAddress({ type }: DnsRecord): boolean {
	return type === A || type === AAAA;
}

/** The private address or name that a record points to; null: none. Aliases count, since resolvers end them differently. */
function privatePlaceOf(record: DnsRecord): string | null {
	if (isAddress(record)) return isPublicAddress(record.data) ? null : record.data;
	if (record.type !== CNAME) return null;
	const name = record.data.toLowerCase().replace(/\.$/, "");
	return isSpecialName(name) ? name.slice(0, 253) : null;
}

async function lookUp(runtime: Runtime, dnsUrl: string, host: string, type: "A" | "AAAA"): Promise<LookUp> {
	const url = new URL(dnsUrl);
	url.searchParams.set("name", host);
	url.searchParams.set("type", type);
	const abort = new AbortController();
	try {
		const request = runtime.fetch(url.href, {
			// Only this media type: Cloudflare's resolver rejects a list.
			headers: { accept: "application/dns-json" },
			redirect: "manual",
			cache: "no-store",
			signal: abort.signal,
		});
		return await withTimeout(runtime, TIMEOUT_MS, request.then(read));
	} catch {
		// The error text is dropped: it might name hosts of the operator's network.
		return { ok: false, why: "DNS did not respond" };
	} finally {
		abort.abort();
	}
}

async function read(response: Response): Promise<LookUp> {
	if (response.status !== 200) {
		await response.body?.cancel();
		return { ok: false, why: `DNS responded with HTTP status ${response.status}` };
	}
	const text = await textUpTo(response, RESPONSE_BYTES_MAX);
	const parsed = DnsResponse.safeParse(text === null ? undefined : parseJson(text));
	if (!parsed.success) return { ok: false, why: "the DNS response is unreadable" };
	const { Status, TC, Answer } = parsed.data;
	if (!CONCLUSIVE.includes(Status)) return { ok: false, why: `DNS responded with code ${Status}` };
	if (TC) return { ok: false, why: "the DNS response is truncated" };
	if (Answer.some((record) => isAddress(record) && !ipaddr.isValid(record.data))) {
		return { ok: false, why: "the DNS response is unreadable" };
	}
	return { ok: true, records: Answer };
}

/** Null: the body is longer than `bytesMax`; the rest was not read. */
async function textUpTo(response: Response, bytesMax: number): Promise<string | null> {
	const decoder = new TextDecoder();
	let [text, bytes] = ["", 0];
	for await (const chunk of response.body ?? []) {
		bytes += chunk.byteLength;
		if (bytes > bytesMax) return null;
		text += decoder.decode(chunk, { stream: true });
	}
	return text;
}
