/** Callers' endpoints: take a webhook, refuse it, break, or take it and never say so. All that arrived is remembered. */
import type { Invocation } from "./invocation.ts";
import type { World } from "./world.ts";

export interface Post {
	at: number;
	by: Invocation;
	url: string;
	webhookId: string;
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

type Fate = keyof typeof HARM | "taken";

const STATUS: Readonly<Record<Fate, number | null>> = {
	taken: 200,
	refused: 503,
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

	constructor(world: World) {
		this.#world = world;
	}

	/** Hears of each event that a receiver got to see. */
	onPost(listener: (post: Post) => void): void {
		this.#listeners.push(listener);
	}

	fetchFor(by: () => Invocation): (url: string, init: RequestInit) => Promise<Response> {
		return (url, init) => this.#fetch(by(), url, init);
	}

	#fetch(by: Invocation, url: string, init: RequestInit): Promise<Response> {
		const { dice, current } = this.#world;
		const fate = dice.chance(current.endpointFailures) ? dice.weighted(HARM) : "taken";
		const headers = new Headers(init.headers as HeadersInit);
		const webhookId = headers.get("webhook-id") ?? "";
		return new Promise((resolve, reject) => {
			init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
			if (dice.chance(current.deaths)) this.#world.after(dice.skewed(0, 3_000), () => by.die(`during ${webhookId}`));
			this.#world.after(dice.skewed(5, 2_000), () => {
				this.#world.note(by.name, `posts ${webhookId}: ${fate}`);
				const status = STATUS[fate];
				if (fate !== "unreachable")
					this.#take({ at: this.#world.now, by, url, webhookId, body: String(init.body), status });
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

	#take(post: Post): void {
		this.posts.push(post);
		for (const listener of this.#listeners) listener(post);
	}
}

function headersOf(fate: Fate): Record<string, string> {
	if (fate === "throttled") return { "retry-after": "30" };
	return fate === "redirected" ? { location: "https://elsewhere.com/" } : {};
}
