/**
 * What public DNS says of a host, asked over HTTPS because a Worker has no other way to ask. `fetch` resolves the name
 * once more by itself, so a name may still change between answer and call: this narrows that gap, it cannot close it.
 */
import ipaddr from "ipaddr.js";
import { z } from "zod";
import type { Runtime } from "../core/runtime.ts";
import { withTimeout } from "../core/timeout.ts";
import { isPublicAddress, isSpecialName } from "../core/webhooks/webhook-address.ts";

export type Resolution =
	| { kind: "public" }
	/** `address` is one that is not public: an IP address, or a name that only means something inside a network. */
	| { kind: "private"; address: string }
	/** There is no such name, or it has no address. */
	| { kind: "missing" }
	/** DNS did not say. `why` is in our words, never in those of whoever answered. */
	| { kind: "unknown"; why: string };

export type Resolve = (runtime: Runtime, dnsUrl: string, host: string) => Promise<Resolution>;

/** Resolvers answer within a second or not at all; a caller's submission waits for as long as this. */
const TIMEOUT_MS = 3_000;

/** Some hundred addresses. Who answers more is no resolver. */
const ANSWER_BYTES_MAX = 64 * 1024;

/** Numbers of record types (RFC 1035, RFC 3596). */
const [A, CNAME, AAAA] = [1, 5, 28];

/** Status codes (RFC 1035 §4.1.1): names that do not exist are an answer too, any other code is none. */
const ANSWERED = [0, 3];

/** The JSON of Google's and Cloudflare's resolvers, as far as it matters. `TC`: something was left out. */
const DnsAnswer = z.object({
	Status: z.number(),
	TC: z.boolean().default(false),
	Answer: z
		.array(z.object({ type: z.number(), data: z.string() }))
		.nullish()
		.transform((records) => records ?? []),
});

type DnsRecord = z.infer<typeof DnsAnswer>["Answer"][number];
type Asked = { ok: true; records: DnsRecord[] } | { ok: false; why: string };

/**
 * Both address families, for nobody knows which one `fetch` will take. One private address among many is enough to
 * refuse, even while the other family is unknown; and all is known only when both have answered.
 */
export const resolveHost: Resolve = async (runtime, dnsUrl, host) => {
	const asked = await Promise.all([ask(runtime, dnsUrl, host, "A"), ask(runtime, dnsUrl, host, "AAAA")]);
	const records = asked.flatMap((one) => (one.ok ? one.records : []));
	const address = records.map(privatePlaceOf).find((place) => place !== null);
	if (address !== undefined) return { kind: "private", address };
	for (const one of asked) if (!one.ok) return { kind: "unknown", why: one.why };
	return { kind: records.some(isAddress) ? "public" : "missing" };
};

function isAddress({ type }: DnsRecord): boolean {
	return type === A || type === AAAA;
}

/** Where a record leads that is no public place; null: it leads to none such. Aliases count: resolvers differ in how they end. */
function privatePlaceOf(record: DnsRecord): string | null {
	if (isAddress(record)) return isPublicAddress(record.data) ? null : record.data;
	if (record.type !== CNAME) return null;
	const name = record.data.toLowerCase().replace(/\.$/, "");
	return isSpecialName(name) ? name.slice(0, 253) : null;
}

async function ask(runtime: Runtime, dnsUrl: string, host: string, type: "A" | "AAAA"): Promise<Asked> {
	const url = new URL(dnsUrl);
	url.searchParams.set("name", host);
	url.searchParams.set("type", type);
	const abort = new AbortController();
	try {
		const request = runtime.fetch(url.href, {
			// This media type alone: Cloudflare's resolver refuses a list.
			headers: { accept: "application/dns-json" },
			redirect: "manual",
			cache: "no-store",
			signal: abort.signal,
		});
		return await withTimeout(runtime, TIMEOUT_MS, request.then(read));
	} catch {
		// Whatever broke, there is no answer; what it says might name hosts of the operator's network.
		return { ok: false, why: "DNS did not answer" };
	} finally {
		abort.abort();
	}
}

async function read(response: Response): Promise<Asked> {
	if (response.status !== 200) {
		await response.body?.cancel();
		return { ok: false, why: `DNS answered with HTTP status ${response.status}` };
	}
	const text = await textUpTo(response, ANSWER_BYTES_MAX);
	const parsed = DnsAnswer.safeParse(text === null ? undefined : jsonOrUndefined(text));
	if (!parsed.success) return { ok: false, why: "DNS answered what cannot be read" };
	const { Status, TC, Answer } = parsed.data;
	if (!ANSWERED.includes(Status)) return { ok: false, why: `DNS answered with code ${Status}` };
	if (TC) return { ok: false, why: "DNS answered in part" };
	if (Answer.some((record) => isAddress(record) && !ipaddr.isValid(record.data))) {
		return { ok: false, why: "DNS answered what cannot be read" };
	}
	return { ok: true, records: Answer };
}

function jsonOrUndefined(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** Null: the body is longer than that, and the rest of it was not read. */
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
