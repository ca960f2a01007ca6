/**
 * Request rates, as `RateLimit-Policy` reports them. `wrangler.toml` sets the same numbers. They protect the service and are
 * not quotas: each location of the network counts by itself, and only approximately.
 */
import ipaddr from "ipaddr.js";

export interface Rate {
	name: string;
	quota: number;
	windowSeconds: number;
}

/** One API key. A loop without a pause exceeds it; a deliberate thousand requests a second stays within it. */
export const KEY_RATE: Rate = { name: "key", quota: 10_000, windowSeconds: 10 };

/**
 * How many requests of a key the platform's limiter counts as one; `wrangler.toml` has the quota divided by it. An isolate
 * may leave nine requests uncounted: a negligible part of the quota, for a tenth of the calls.
 */
export const REQUESTS_PER_COUNT = 10;

/**
 * One address without a valid key. A thousand guesses a minute exceed it however they fall into windows; a forgotten program
 * with an old key, one request a second, does not.
 */
export const UNAUTHENTICATED_RATE: Rate = { name: "address", quota: 300, windowSeconds: 60 };

/** An IPv6 customer has at least a whole /64, and could use a new address of it for each request. */
const IPV6_PREFIX_PARTS = 4;

/** What is counted as one client: an IPv4 address, or the /64 of an IPv6 one. */
export function clientOf(address: string): string {
	if (!ipaddr.isValid(address)) return address;
	const parsed = ipaddr.process(address);
	if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
	const prefix = parsed.parts.slice(0, IPV6_PREFIX_PARTS).map((part) => part.toString(16));
	return `${prefix.join(":")}::/64`;
}
