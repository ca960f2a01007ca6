/** One invocation: its calls to D1, R2, queues, model and receivers pass the world's gate, where each can fail, hang, or be its last. */
import { env } from "cloudflare:workers";
import type { Config } from "../../../shared/core/config.ts";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import type { Runtime } from "../../../shared/core/runtime.ts";
import type { DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import type { Disposition } from "../../../shared/queues/dispositions.ts";
import { bind } from "../../../workers/bindings.ts";
import { type Consumer, newConsumer } from "../../../workers/consumer/consumer.ts";
import { runMessages } from "../../../workers/consumer/run-messages.ts";
import { dispatchMessages } from "../../../workers/dispatcher/dispatch-messages.ts";
import { type Dispatcher, newDispatcher } from "../../../workers/dispatcher/dispatcher.ts";
import { Isolate } from "../../../workers/isolate.ts";
import { sweepAll } from "../../../workers/sweeper/index.ts";
import type { Sweeper } from "../../../workers/sweeper/sweeper.ts";
import { countedSubtle, gatedD1, gatedLimiter, gatedQueue, gatedR2, type QueueStore } from "./bindings.ts";
import type { Fault, FaultKind } from "./faults.ts";
import type { Caller, Gate } from "./gate.ts";
import type { ScriptedModel } from "./model.ts";
import type { Upstreams } from "./upstreams.ts";

interface Around {
	gate: Gate;
	runtime: Runtime;
	config: Config;
	upstreams: Upstreams;
	jobs: QueueStore;
	deliveries: QueueStore;
	until(run: Promise<unknown>): Promise<boolean>;
}

/** A batch that is being processed. */
interface Running {
	/** By job or delivery, as soon as it is known. */
	dispositions: Record<string, Disposition>;
	over: Promise<void>;
}

/** All that the service may call through its environment. */
type Binding = { [Name in keyof Env]: Env[Name] extends string ? never : Name }[keyof Env];

export class Process implements Caller {
	readonly invokedFor: string;
	/** Its calls are never made, its timers never fire. */
	isDead = false;
	readonly env: Env;
	readonly runtime: Runtime;
	readonly isolate = new Isolate();
	readonly consumer: Consumer;
	readonly dispatcher: Dispatcher;
	readonly sweeper: Sweeper;
	/** What goes on after its batch. */
	readonly background: Promise<void>[] = [];
	readonly #around: Around;

	constructor(around: Around, invokedFor: string, model: ScriptedModel | null) {
		this.invokedFor = invokedFor;
		this.#around = around;
		const { config, upstreams } = around;
		const gate = around.gate.of(this);
		const world = around.runtime;
		const gated = {
			DB: gatedD1(gate),
			TENANT_RATE: gatedLimiter(gate, env.TENANT_RATE, "keys"),
			UNAUTHENTICATED_RATE: gatedLimiter(gate, env.UNAUTHENTICATED_RATE, "unauthenticated"),
			WEBHOOK_RATE: gatedLimiter(gate, env.WEBHOOK_RATE, "webhooks"),
			RESULTS: gatedR2(gate),
			AI: upstreams.bindingFor(gate, env.AI),
			JOB_QUEUE: gatedQueue(gate, env.JOB_QUEUE, "jobs", around.jobs),
			DELIVERY_QUEUE: gatedQueue(gate, env.DELIVERY_QUEUE, "deliveries", around.deliveries),
			// No actor sends to it.
			DEAD_LETTERS: env.DEAD_LETTERS,
			// Read by intake alone, for a page.
			ASSETS: env.ASSETS,
		} satisfies Record<Binding, unknown>;
		this.env = { ...env, ...gated };
		this.runtime = {
			...world,
			subtle: countedSubtle(gate),
			fetch: (url, init) => upstreams.fetch(gate, url, init),
			timer: (ms, onTime) => world.timer(ms, () => (this.isDead ? undefined : onTime())),
			sleep: async (ms, signal) => {
				await world.sleep(ms, signal);
				if (this.isDead) await new Promise<never>(() => undefined);
			},
		};
		const { runtime, isolate } = this;
		const parts = { ...bind(this.env, runtime), config, runtime, ...isolate };
		this.consumer = newConsumer({
			...parts,
			callModel: (call, signal) =>
				gate.pass({ name: "model", outside: "ai", isRead: false, hasBody: false, about: [] }, async () => {
					if (model === null) throw new Error("no model may be called here");
					return await model.call(call, signal, runtime);
				}),
		});
		this.dispatcher = newDispatcher({ ...parts, background: (work) => void this.background.push(work) });
		this.sweeper = { ...parts, signingKeys: config.signingKeys };
	}

	/** The next `times` calls that match `at` go as `fault` says. */
	on(at: RegExp, fault: FaultKind | Fault, times = 1): this {
		this.#around.gate.add({ at, fault, times, process: this });
		return this;
	}

	kill(): void {
		this.isDead = true;
	}

	consuming(...keys: JobKey[]): Running {
		const dispositions: Running["dispositions"] = {};
		const bare = keys.map(({ tenantId, jobId }) => ({ tenantId, jobId }));
		const over = runMessages(this.consumer, bare, (key, disposition) => {
			dispositions[key.jobId] = disposition;
		});
		return { dispositions, over };
	}

	/** Consumes to the end, and returns the disposition of the first message. */
	async consume(...keys: [JobKey, ...JobKey[]]): Promise<Disposition> {
		const { dispositions, over } = this.consuming(...keys);
		await this.#end(over);
		const disposition = dispositions[keys[0].jobId];
		if (disposition === undefined) throw new Error("a message got no disposition");
		return disposition;
	}

	dispatching(...keys: DeliveryKey[]): Running {
		const dispositions: Running["dispositions"] = {};
		const over = dispatchMessages(this.dispatcher, keys, (key, disposition) => {
			dispositions[key.deliveryId] = disposition;
		});
		return { dispositions, over };
	}

	/** Dispatches to the end, background included, and returns the disposition of the first message. */
	async dispatch(...keys: [DeliveryKey, ...DeliveryKey[]]): Promise<Disposition | undefined> {
		const { dispositions, over } = this.dispatching(...keys);
		await this.#end(over);
		await this.#end(Promise.all(this.background));
		return dispositions[keys[0].deliveryId];
	}

	/** Sweeps to the end, which may be its own. */
	async sweep(): Promise<void> {
		const over = sweepAll(this.sweeper);
		if (await this.#around.until(over)) await over;
	}

	async #end(run: Promise<unknown>): Promise<void> {
		if (!(await this.#around.until(run))) throw new Error("it never ends");
		await run;
	}
}
