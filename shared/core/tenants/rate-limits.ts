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

/**
 * One tenant, whatever keys it has, in units of what a request costs D1: about a millisecond each, so that it takes a quarter of D1
 * at most. That is 250 polls a second, or 25 submissions, more than half of what one D1 carries. A tenant may have less.
 */
export const TENANT_RATE: Rate = { name: "requests", quota: 2_500, windowSeconds: 10 };

/**
 * How many units of a tenant the platform's limiter counts as one; `wrangler.toml` has the quota divided by it. An isolate may leave
 * 49 units uncounted: a negligible part of the quota, for a call with every fifth submission.
 */
export const UNITS_PER_COUNT = 50;

const POLL_UNITS = 1;
/** A page of a list, and a change of any kind. */
const LIST_UNITS = 10;
const CHANGE_UNITS = 10;
/** A minute of waiting polls about forty times. */
const WAIT_UNITS = 40;
/** A filtered page reads up to a thousand rows of jobs. */
const FILTER_UNITS = 50;
/** A page of any length reads up to 3,601 rows of hours, and as many of days. */
const USAGE_UNITS = 150;

/** What a request costs. `query`: the names of its parameters. */
export function unitsOf(request: {
	method: string;
	path: string;
	query: () => readonly string[];
	waits: boolean;
}): number {
	const wait = request.waits ? WAIT_UNITS : 0;
	if (request.method !== "GET") return CHANGE_UNITS + wait;
	if (COUNTS.test(request.path)) return FILTER_UNITS;
	if (USAGE.test(request.path)) return USAGE_UNITS;
	if (!LISTS.test(request.path)) return POLL_UNITS + wait;
	return request.query().some((name) => !PAGING.has(name)) ? FILTER_UNITS : LIST_UNITS;
}

/** They read up to two thousand rows, as a filtered page does. */
const COUNTS = /^\/v1\/((stats|backlog)\/?$|models(\/|$))/;
/** Paths that end with the name of a collection. */
const LISTS = /\/(jobs|deliveries|webhook_endpoints|keys|audit_log)\/?$/;
const USAGE = /^\/v1\/usage\/?$/;
/** Parameters that choose a page, and leave out no row. */
const PAGING: ReadonlySet<string> = new Set(["limit", "after", "order"]);

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
