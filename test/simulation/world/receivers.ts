/** Callers' endpoints: take a webhook, refuse it, break, or take it and never say so. All that arrived is remembered. */
import { type Invocation, once } from "./invocation.ts";
import type { World } from "./world.ts";

export interface Post {
	/** When it arrived; until then, when it was sent. */
	at: number;
	by: Invocation;
	url: string;
	webhookId: string;
	/** The headers by the same names. */
	timestamp: string;
	signature: string;
	body: string;
	/** What it answered; null: nothing that arrived. */
	status: number | null;
}

const HARM = {
	refused: 4,
	redirected: 1,
	gone: 1,
	throttled: 1,
	unreachable: 2,
	silent: 2,
	/** It took the event; its answer was lost. */
	taken_unsaid: 3,
} as const;

/** What a receiver that is down does to every request. */
const DOWN = ["broken", "broken", "refused", "unreachable"] as const;

type Fate = keyof typeof HARM | (typeof DOWN)[number] | "taken";

const STATUS: Readonly<Record<Fate, number | null>> = {
	taken: 200,
	refused: 503,
	broken: 500,
	redirected: 302,
	gone: 410,
	throttled: 429,
	unreachable: null,
	silent: null,
	taken_unsaid: null,
};

export class SimulatedReceivers {
	readonly posts: Post[] = [];
	readonly #world: World;
	readonly #listeners: ((post: Post) => void)[] = [];
	readonly #sentListeners: ((post: Post) => void)[] = [];
	readonly #downUntil = new Map<string, number>();
	/** What a scenario has the receivers reply; null: as the dice say. */
	script: ((post: Post) => { afterMs: number; status: number; headers?: Record<string, string> }) | null = null;

	constructor(world: World) {
		this.#world = world;
	}

	/** Hears of each event that a receiver got to see. */
	onPost(listener: (post: Post) => void): void {
		this.#listeners.push(listener);
	}

	/** Hears of each request when it is sent, wherever it ends. */
	onSent(listener: (post: Post) => void): void {
		this.#sentListeners.push(listener);
	}

	/** All that is sent to `host` fails for a while. */
	breakDown(host: string, ms: number): void {
		this.#world.note("world", `${host} is down for ${ms} ms`);
		this.#downUntil.set(host, this.#world.now + ms);
	}

	fetchFor(by: () => Invocation): (url: string, init: RequestInit) => Promise<Response> {
		return (url, init) => this.#fetch(by(), url, init);
	}

	#fetch(by: Invocation, url: string, init: RequestInit): Promise<Response> {
		const { dice, current } = this.#world;
		const fate = this.#throwFate(url);
		const post = postOf(by, url, init, STATUS[fate]);
		const { webhookId, status } = post;
		for (const listener of this.#sentListeners) listener({ ...post, at: this.#world.now });
		if (this.script !== null) return this.#play(by, { ...post, at: this.#world.now }, init.signal ?? null);
		return new Promise((resolve, reject) => {
			init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
			if (dice.chance(current.deaths)) this.#world.after(dice.skewed(0, 3_000), () => by.die(`during ${webhookId}`));
			this.#world.after(dice.skewed(5, 2_000), () => {
				this.#world.note(by.name, `posts ${webhookId}: ${fate}`);
				if (fate !== "unreachable") this.#take({ ...post, at: this.#world.now });
				if (fate === "silent") return;
				this.#world.after(dice.skewed(5, 2_000), () =>
					by.hear(() => {
						if (status === null) reject(new TypeError("fetch failed"));
						else resolve(new Response("seen", { status, headers: headersOf(fate) }));
					}),
				);
			});
		});
	}

	#play(by: Invocation, post: Post, signal: AbortSignal | null): Promise<Response> {
		const { afterMs, status, headers = {} } = this.script?.(post) ?? { afterMs: 0, status: 200 };
		return new Promise((resolve, reject) => {
			by.connect(() => {
				const over = once(() => by.disconnect());
				signal?.addEventListener("abort", () => {
					over();
					reject(new DOMException("aborted", "AbortError"));
				});
				this.#world.after(afterMs, () => {
					over();
					this.#take({ ...post, at: this.#world.now, status });
					by.hear(() => resolve(new Response("seen", { status, headers })));
				});
			});
		});
	}

	#throwFate(url: string): Fate {
		const { dice, current, hasFaults, now } = this.#world;
		if (hasFaults && (this.#downUntil.get(hostOf(url)) ?? 0) > now) return dice.pick(DOWN);
		return dice.chance(current.endpointFailures) ? dice.weighted(HARM) : "taken";
	}

	#take(post: Post): void {
		this.posts.push(post);
		for (const listener of this.#listeners) listener(post);
	}
}

function postOf(by: Invocation, url: string, init: RequestInit, status: number | null): Post {
	const headers = new Headers(init.headers as HeadersInit);
	const header = (name: string) => headers.get(`webhook-${name}`) ?? "";
	const [webhookId, timestamp, signature] = [header("id"), header("timestamp"), header("signature")];
	return { at: 0, by, url, webhookId, timestamp, signature, body: String(init.body), status };
}

export function hostOf(url: string): string {
	return url.split("/")[2] ?? "";
}

function headersOf(fate: Fate): Record<string, string> {
	if (fate === "throttled") return { "retry-after": "30" };
	return fate === "redirected" ? { location: "https://elsewhere.com/" } : {};
}
