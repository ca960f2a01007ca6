/** The service as it is deployed: its bindings, its four actors, and who wakes them. The actors are the real ones. */
import { type Config, parseConfig } from "../../../shared/core/config.ts";
import { consumeJobs } from "../../../workers/consumer/index.ts";
import { dispatchDeliveries } from "../../../workers/dispatcher/index.ts";
import { Isolate } from "../../../workers/isolate.ts";
import { sweep } from "../../../workers/sweeper/index.ts";
import { SimulatedBucket } from "./bucket.ts";
import { SimulatedDatabase } from "./database.ts";
import { Invocation } from "./invocation.ts";
import { SimulatedModel } from "./model.ts";
import { type Consume, SimulatedQueue } from "./queue.ts";
import { SimulatedReceivers } from "./receivers.ts";
import type { SqlEngine } from "./sql-engine.ts";
import type { World } from "./world.ts";

type ActorName = "intake" | "consumer" | "dispatcher" | "sweeper";

const SWEEP_EVERY_MS = 60_000;
/** As in wrangler.toml. */
const WEBHOOK_WINDOW_MS = 10_000;
const WEBHOOKS_A_WINDOW = 100;
/** Other rate limits are no promise: they allow everything here. */
const NO_LIMIT: RateLimit = { limit: async () => ({ success: true }) };

/** Hears what an invocation says about a message, when it says so. */
type SaidListener = (queue: string, body: unknown, said: "ack" | "retry", by: Invocation) => void;

export class Service {
	readonly world: World;
	readonly database: SimulatedDatabase;
	readonly bucket: SimulatedBucket;
	readonly model: SimulatedModel;
	readonly receivers: SimulatedReceivers;
	readonly jobQueue: SimulatedQueue;
	readonly deliveryQueue: SimulatedQueue;
	readonly vars: Record<string, string>;
	readonly config: Config;
	/** How many invocations run in one isolate, which remembers what those before it learned. */
	shareOfOneIsolate = 0.5;
	#shared: { isolate: Isolate; skewMs: number } | null = null;
	readonly #saidListeners: SaidListener[] = [];
	readonly #sweptListeners: (() => void)[] = [];
	#invocations = 0;
	/** A tenant's webhooks to a host, counted in windows as the platform does. */
	readonly #webhookRate: RateLimit = {
		limit: async ({ key }) => {
			const window = `${key} ${Math.floor(this.world.now / WEBHOOK_WINDOW_MS)}`;
			this.#webhooks.set(window, (this.#webhooks.get(window) ?? 0) + 1);
			return { success: (this.#webhooks.get(window) ?? 0) <= WEBHOOKS_A_WINDOW };
		},
	};
	readonly #webhooks = new Map<string, number>();

	constructor(world: World, engine: SqlEngine) {
		this.world = world;
		this.database = new SimulatedDatabase(world, engine);
		this.bucket = new SimulatedBucket(world);
		this.model = new SimulatedModel(world);
		this.receivers = new SimulatedReceivers(world);
		this.vars = varsFor(world);
		this.config = configOf(this.vars);
		this.jobQueue = this.#queue("jobs", "consumer", (batch, by) =>
			consumeJobs(batch, this.envFor(by), this.config, by.runtime, this.#isolate(by)),
		);
		this.deliveryQueue = this.#queue("deliveries", "dispatcher", (batch, by, background) =>
			dispatchDeliveries(batch, this.envFor(by), this.config, by.runtime, this.#isolate(by), background),
		);
		world.after(SWEEP_EVERY_MS, () => this.#sweep());
	}

	onSaid(listener: SaidListener): void {
		this.#saidListeners.push(listener);
	}

	onSwept(listener: () => void): void {
		this.#sweptListeners.push(listener);
	}

	/** A new invocation of `actor`. */
	invocation = (actor: ActorName): Invocation => {
		this.#invocations += 1;
		const by: Invocation = new Invocation(
			this.world,
			`${actor}#${this.#invocations}`,
			this.receivers.fetchFor(() => by),
		);
		return by;
	};

	/** The Worker's environment, in the hands of one invocation. */
	envFor(by: Invocation): Env {
		const env = {
			...this.vars,
			DB: this.database.bindingFor(by),
			RESULTS: this.bucket.bindingFor(by),
			JOB_QUEUE: this.jobQueue.bindingFor(by),
			DELIVERY_QUEUE: this.deliveryQueue.bindingFor(by),
			AI: this.model.bindingFor(by),
			TENANT_RATE: NO_LIMIT,
			UNAUTHENTICATED_RATE: NO_LIMIT,
			WEBHOOK_RATE: this.#webhookRate,
		};
		return env as unknown as Env;
	}

	/** What an isolate knows from invocations before: it is the one that all share, or one of its own. Each has one clock. */
	#isolate(by: Invocation): Isolate {
		if (!this.world.dice.chance(this.shareOfOneIsolate)) return new Isolate();
		this.#shared ??= { isolate: new Isolate(), skewMs: by.skewMs };
		by.skewMs = this.#shared.skewMs;
		return this.#shared.isolate;
	}

	#queue(name: string, actor: ActorName, consume: Consume): SimulatedQueue {
		return new SimulatedQueue(this.world, {
			name,
			concurrency: this.world.options.concurrency,
			start: () => this.invocation(actor),
			consume,
			onSaid: (body, said, by) => {
				for (const listener of this.#saidListeners) listener(name, body, said, by);
			},
		});
	}

	/** Cron: a tick may be left out, and a sweep may still run when the next one starts. */
	#sweep(): void {
		this.world.after(SWEEP_EVERY_MS, () => this.#sweep());
		if (this.world.dice.chance(this.world.current.messages.lost / 2)) return;
		const by = this.invocation("sweeper");
		sweep(this.envFor(by), { ok: true, config: this.config }, by.runtime).then(
			() => {
				by.end();
				for (const listener of this.#sweptListeners) listener();
			},
			(error: unknown) => this.world.violate("B1", `the sweeper threw: ${String(error)}`),
		);
	}
}

function configOf(vars: Record<string, string>): Config {
	const parsed = parseConfig(vars);
	if (!parsed.ok) throw new Error(parsed.problems.join("; "));
	return parsed.config;
}

function varsFor({ options }: World): Record<string, string> {
	return {
		DEFAULT_MODEL: "alpha/one",
		MODEL_ROUTES: JSON.stringify([
			{ match: "alpha/*", provider: "workers-ai", gateway: "alpha" },
			{ match: "*", provider: "workers-ai" },
		]),
		PUBLIC_URL: "https://jobs.sim",
		WEBHOOK_DNS_URL: "",
		LEASE_SECONDS: String(options.leaseSeconds),
		HEARTBEAT_SECONDS: String(options.leaseSeconds / 3),
		DELIVERY_SCHEDULE_SECONDS: options.deliverySchedule,
		ADMIN_TOKEN: "an-admin-token-of-the-simulation",
		SIGNING_KEY: "a-signing-key-of-the-simulation-which-is-long",
	};
}
