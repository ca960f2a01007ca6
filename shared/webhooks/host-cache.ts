/** Recent DNS results of this isolate, so that a busy caller's webhook costs no look-up per job. */
import type { Runtime } from "../core/runtime.ts";
import { type Resolution, resolveHost } from "./resolve-host.ts";

/** A cached result may be this old, because each attempt resolves the name again. */
const HOST_MS = 60_000;
/** Invented names must not fill the memory. */
const HOSTS_MAX = 10_000;

export class HostCache {
	readonly #known = new Map<string, { found: Resolution; until: number }>();
	readonly #hostsMax: number;

	constructor(hostsMax = HOSTS_MAX) {
		this.#hostsMax = hostsMax;
	}

	/**
	 * Caches only results that accept a webhook, those of a failing resolver included, so that a corrected DNS name is
	 * accepted at once.
	 */
	async resolve(runtime: Runtime, dnsUrl: string, host: string): Promise<Resolution> {
		const known = this.#known.get(host);
		if (known !== undefined && known.until > runtime.now()) return known.found;
		const found = await resolveHost(runtime, dnsUrl, host);
		if (found.kind !== "public" && found.kind !== "unknown") return found;
		if (this.#known.size >= this.#hostsMax) this.#known.clear();
		this.#known.set(host, { found, until: runtime.now() + HOST_MS });
		return found;
	}
}
