/** The API with services of a test's making. */
import { env } from "cloudflare:workers";
import type { Config } from "../../../shared/core/config.ts";
import { MemoryBudget } from "../../../shared/core/memory-budget.ts";
import { HostLimits } from "../../../shared/core/webhooks/host-limits.ts";
import { Database } from "../../../shared/db/database.ts";
import { HostCache } from "../../../shared/webhooks/host-cache.ts";
import { bind } from "../../../workers/bindings.ts";
import { api } from "../../../workers/intake/api.ts";
import { KeyCache } from "../../../workers/intake/auth/key-cache.ts";
import { bindRateLimiters, RequestCounters } from "../../../workers/intake/auth/rate-limiters.ts";
import { Waits } from "../../../workers/intake/http/waits.ts";
import { SubmissionLoad } from "../../../workers/intake/jobs/submission-load.ts";
import type { Services } from "../../../workers/intake/services.ts";
import { RecentStats } from "../../../workers/intake/tenants/recent-stats.ts";
import { runtime } from "../../../workers/runtime.ts";
import { watchedD1 } from "../support/watched-d1.ts";
import { configOf } from "../world/world.ts";
import type { Server } from "./caller.ts";

/** What the API works with, less what the test replaces; and the work that it left for after the answer. */
export function theServices(
	{ config, ...overrides }: Partial<Omit<Services, "config">> & { config?: Partial<Config> } = {},
	bindings: Partial<Env> = {},
) {
	const background: Promise<void>[] = [];
	const services: Services = {
		...bind({ ...env, ...bindings }, runtime),
		...bindRateLimiters({ ...env, ...bindings }, runtime),
		config: { ...configOf(env), ...config },
		runtime,
		keys: new KeyCache(),
		counters: new RequestCounters(),
		hosts: new HostCache(),
		hostLimits: new HostLimits(),
		submissionLoad: new SubmissionLoad(),
		waits: new Waits(),
		recentStats: new RecentStats(),
		memory: new MemoryBudget(),
		background: (work) => background.push(work),
		loadDashboard: async () => "<!doctype html>",
		...overrides,
	};
	const server: Server = async (request) => await api.fetch(request, { services, requestId: `req_${"0".repeat(26)}` });
	return { server, services, background };
}

/** The API, and how often it has asked D1, less the note of a key's use, which is written after the answer. */
export function withCountedD1(overrides: Parameters<typeof theServices>[0] = {}) {
	let trips = 0;
	const d1 = watchedD1(env.DB, (_, asked) => {
		if (!asked.some(({ name }) => name === "note api key use")) trips++;
	});
	const { server } = theServices({ db: new Database(d1, runtime), ...overrides });
	return { server, trips: () => trips };
}

/** The API with one of its queues only keeping what it is sent, batch by batch. */
export function withWatchedQueue(name: "JOB_QUEUE" | "DELIVERY_QUEUE") {
	const batches: object[][] = [];
	const sendBatch = async (messages: Iterable<MessageSendRequest>) =>
		void batches.push([...messages].map(({ body }) => Object(body)));
	const { server, background } = theServices({}, { [name]: new Proxy(env[name], { get: () => sendBatch }) });
	return { server, sent: () => Promise.all(background).then(() => batches) };
}

/** R2 while none of its calls succeeds. */
export const BROKEN_R2 = new Proxy(env.RESULTS, {
	get: () => () => Promise.reject(new Error("We encountered an internal error. Please try again. (10001)")),
});
