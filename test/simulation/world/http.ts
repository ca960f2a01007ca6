/** The way to the API and back: each request is an invocation of its own, which may die, and a client that may give up. */
import { newId } from "../../../shared/core/ids.ts";
import { MemoryBudget } from "../../../shared/core/memory-budget.ts";
import { HostLimits } from "../../../shared/core/webhooks/host-limits.ts";
import { HostCache } from "../../../shared/webhooks/host-cache.ts";
import { bind } from "../../../workers/bindings.ts";
import { api } from "../../../workers/intake/api.ts";
import { KeyCache } from "../../../workers/intake/auth/key-cache.ts";
import { bindRateLimiters, RequestCounters } from "../../../workers/intake/auth/rate-limiters.ts";
import { Waits } from "../../../workers/intake/http/waits.ts";
import { SubmissionLoad } from "../../../workers/intake/jobs/submission-load.ts";
import type { Services } from "../../../workers/intake/services.ts";
import { RecentStats } from "../../../workers/intake/tenants/recent-stats.ts";
import type { Invocation } from "./invocation.ts";
import type { Service } from "./service.ts";

/** What a client does not wait for any longer. */
const CLIENT_MS_MAX = 90_000;

export interface Asked {
	method: string;
	path: string;
	key: string;
	headers?: Record<string, string>;
	body?: string;
}

/** Null: the client never got an answer. */
export type Answer = { code: number; headers: Headers; text: string } | null;

export class Http {
	/** What each invocation was asked. */
	readonly asked = new WeakMap<Invocation, Asked>();
	readonly #service: Service;
	readonly #keys = new KeyCache();
	readonly #counters = new RequestCounters();
	readonly #hosts = new HostCache();
	readonly #hostLimits = new HostLimits();
	readonly #submissionLoad = new SubmissionLoad();

	constructor(service: Service) {
		this.#service = service;
	}

	ask(asked: Asked, react: (answer: Answer) => void): void {
		const { world } = this.#service;
		const by = this.#service.invocation("intake");
		this.asked.set(by, asked);
		let isOver = false;
		const end = (answer: Answer) => {
			if (isOver) return;
			isOver = true;
			world.note("client", `${asked.method} ${asked.path} by ${by.name}: ${answer?.code ?? "no answer"}`);
			react(answer);
		};
		world.after(CLIENT_MS_MAX, () => end(null));
		by.onDeath(() => world.after(10, () => end(null)));
		world.after(world.dice.skewed(1, 100), () => {
			if (!by.isDead) this.#serve(by, asked, (answer) => world.after(world.dice.skewed(1, 100), () => end(answer)));
		});
	}

	/** The real API, in the hands of one invocation. */
	async serve(request: Request, by: Invocation, background: Services["background"]): Promise<Response> {
		const env = this.#service.envFor(by);
		const services: Services = {
			...bind(env, by.runtime),
			...bindRateLimiters(env, by.runtime),
			config: this.#service.config,
			runtime: by.runtime,
			keys: this.#keys,
			counters: this.#counters,
			hosts: this.#hosts,
			hostLimits: this.#hostLimits,
			submissionLoad: this.#submissionLoad,
			waits: new Waits(),
			recentStats: new RecentStats(),
			memory: new MemoryBudget(),
			background,
			loadDashboard: async () => "<!doctype html>",
		};
		return await api.fetch(request, { services, requestId: newId("req", by.runtime) });
	}

	#serve(by: Invocation, { method, path, key, headers, body }: Asked, reply: (answer: Answer) => void): void {
		const { world } = this.#service;
		const running: Promise<void>[] = [];
		const request = new Request(`https://jobs.sim${path}`, {
			method,
			headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
			...(body === undefined ? {} : { body }),
		});
		const answered = this.serve(request, by, (work) => void running.push(work));
		answered
			.then(async (response) => {
				const text = await response.text();
				by.hear(() => reply({ code: response.status, headers: response.headers, text }));
				await by.endAfter(running);
			})
			.catch((error: unknown) => world.violate("B1", `the API threw: ${String(error)}`));
	}
}
