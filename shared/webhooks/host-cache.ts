/** Receivers' names that this isolate has looked up lately: a busy caller's webhook costs no lookup with each job. */
import type { Runtime } from "../core/runtime.ts";
import { type Resolution, resolveHost } from "./resolve-host.ts";

/** Too short to matter: what an address has become meanwhile is found out before each attempt. */
const HOST_MS = 60_000;
/** Made-up names must not fill the memory. */
const HOSTS_MAX = 10_000;

export class HostCache {
	readonly #known = new Map<string, { found: Resolution; until: number }>();
	readonly #hostsMax: number;

	constructor(hostsMax = HOSTS_MAX) {
		this.#hostsMax = hostsMax;
	}

	/** Keeps what lets a webhook in, which a resolver that is down does too; who mends a refused name need not wait. */
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
