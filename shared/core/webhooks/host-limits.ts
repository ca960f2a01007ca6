/**
 * How many webhooks of one tenant one host gets. A failing receiver is paused by its URL; a host, which may serve many receivers,
 * is only limited: so many requests at once, and so many a second.
 *
 * One isolate counts exactly. The platform's limiter counts what all isolates send, and less exactly.
 */

export interface HostLimit {
	atOnce: number;
	aSecond: number;
}

/** Hosts that nothing is being sent to are forgotten beyond this number. */
const HOSTS_MAX = 10_000;

interface Host {
	sending: number;
	/** How many may be sent at once by the rate; `aSecond` at most. */
	tokens: number;
	filledAt: number;
}

/** The requests of this isolate. */
export class HostLimits {
	readonly #hosts = new Map<string, Host>();

	/**
	 * Counts a request, and returns what to call when it is over. Null: it is over the limit.
	 * @param key tenant and host
	 */
	enter(key: string, now: number, { atOnce, aSecond }: HostLimit): (() => void) | null {
		const host = this.#hosts.get(key) ?? { sending: 0, tokens: aSecond, filledAt: now };
		host.tokens = Math.min(aSecond, host.tokens + (Math.max(0, now - host.filledAt) * aSecond) / 1000);
		host.filledAt = now;
		if (host.sending >= atOnce || host.tokens < 1) return null;
		if (!this.#hosts.has(key)) this.#forgetIdle();
		this.#hosts.set(key, host);
		host.tokens -= 1;
		host.sending += 1;
		let isOver = false;
		return () => {
			if (!isOver) host.sending -= 1;
			isOver = true;
		};
	}

	#forgetIdle(): void {
		if (this.#hosts.size < HOSTS_MAX) return;
		for (const [key, { sending }] of this.#hosts) if (sending === 0) this.#hosts.delete(key);
	}
}

/** What is counted: a tenant's requests to a host, whatever the port and path. */
export function hostKey(tenantId: string, url: string): string {
	return `${tenantId} host:${new URL(url).hostname}`;
}
