/**
 * Recent DNS results of this isolate, so that a busy receiver costs no look-up per webhook. No tenant gets more look-ups than its
 * share: a resolver that is called too often throttles all of them.
 */
import type { Runtime } from "../core/runtime.ts";
import { type Resolution, resolveHost } from "./resolve-host.ts";

/** A result is cached for as long as its records may be, within these bounds. The longer it is, the later a change is noticed. */
const CACHED_MS_MIN = 1_000;
const CACHED_MS_MAX = 60_000;
/** While a resolver is down, one submission in so long waits for it. */
const FAILURE_CACHED_MS = 10_000;
/** Invented names must not fill the memory. */
const ENTRIES_MAX = 10_000;
/** Of one tenant: more receivers than it has new ones, and a small part of what a public resolver allows. */
const LOOK_UPS_A_MINUTE = 100;
const MINUTE_MS = 60_000;

export class HostCache {
	readonly #known = new Map<string, { found: Resolution; until: number }>();
	readonly #lookUps = new Map<string, { left: number; until: number }>();
	readonly #entriesMax: number;

	constructor(entriesMax = ENTRIES_MAX) {
		this.#entriesMax = entriesMax;
	}

	/**
	 * Caches only results that accept a webhook, those of a failing resolver included, so that a corrected DNS name is
	 * accepted at once.
	 */
	async resolve(tenantId: string, runtime: Runtime, dnsUrl: string, host: string): Promise<Resolution> {
		const known = this.#known.get(host);
		if (known !== undefined && known.until > runtime.now()) return known.found;
		if (!this.#mayLookUp(tenantId, runtime.now())) return { kind: "unknown", why: "too many host names at once" };
		const found = await resolveHost(runtime, dnsUrl, host);
		if (found.kind !== "public" && found.kind !== "unknown") return found;
		const cachedMs = found.kind === "public" ? Math.max(CACHED_MS_MIN, found.ttlSeconds * 1_000) : FAILURE_CACHED_MS;
		if (this.#known.size >= this.#entriesMax) this.#known.clear();
		this.#known.set(host, { found, until: runtime.now() + Math.min(cachedMs, CACHED_MS_MAX) });
		return found;
	}

	#mayLookUp(tenantId: string, now: number): boolean {
		const known = this.#lookUps.get(tenantId);
		const share =
			known === undefined || known.until <= now ? { left: LOOK_UPS_A_MINUTE, until: now + MINUTE_MS } : known;
		if (share.left === 0) return false;
		share.left -= 1;
		if (share !== known && this.#lookUps.size >= this.#entriesMax) this.#lookUps.clear();
		this.#lookUps.set(tenantId, share);
		return true;
	}
}
