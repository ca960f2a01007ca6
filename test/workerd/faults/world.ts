/**
 * The whole service, entered by its actors' doors, in a world where one call to the outside goes wrong. D1 and R2 are
 * real; clock, dice, queues, model and receiver are the test's. Cron sweeps once a minute, as it does anywhere.
 */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type ParsedConfig, parseConfig } from "../../../shared/core/config.ts";
import type { Runtime } from "../../../shared/core/runtime.ts";
import type { ModelRoute } from "../../../shared/core/upstreams/model-routes.ts";
import { FreshResults } from "../../../shared/storage/fresh-results.ts";
import { consumeJobs } from "../../../workers/consumer/index.ts";
import { dispatchDeliveries } from "../../../workers/dispatcher/index.ts";
import { intake } from "../../../workers/intake/index.ts";
import { sweep } from "../../../workers/sweeper/index.ts";
import { type FakeRuntime, fakeRuntime, START_AT } from "../../support/fake-runtime.ts";
import { DAY, MINUTE, SECOND } from "../support/a-job.ts";
import { countedSubtle, gatedD1, gatedLimiter, gatedQueue, gatedR2 } from "../support/bindings.ts";
import { standIn } from "../support/watched-d1.ts";
import { FaultGate, type Planned } from "./fault-gate.ts";
import { MODEL_SERVER, RESOLVER, Upstreams } from "./upstreams.ts";
import { VirtualQueue } from "./virtual-queue.ts";

export interface Invocation {
	what: string;
	startedAt: number;
	endedAt: number | null;
	/** What it is asked to wait for, and as much time as it may lose besides. */
	limitMs: number;
}

/** What one attempt may take in these stories: their jobs' `timeout_seconds`. */
export const ATTEMPT_SECONDS = 60;
const SLACK_MS = 2 * MINUTE;
const WEBHOOK_MS = 20 * SECOND;
/** A caller is not kept waiting longer, besides what it asked for. */
const ANSWER_MS = MINUTE;
/** What is left to do after an answer must be done by then: the platform ends it. */
const BACKGROUND_MS = 30 * SECOND;

export const ROUTES: ModelRoute[] = [
	{ match: "gateway/*", provider: "workers-ai" },
	{ match: "server/*", provider: "openai-compatible", base_url: MODEL_SERVER },
];

/** It has sealed nothing but what a story says. */
export const PREVIOUS_KEY = "p".repeat(40);

const VARS = {
	DEFAULT_MODEL: "gateway/one",
	MODEL_ROUTES: JSON.stringify(ROUTES),
	WEBHOOK_DNS_URL: RESOLVER,
	SIGNING_KEY_PREVIOUS: PREVIOUS_KEY,
};

let worldsMade = 0;

export class World {
	/** Days apart, so that nothing that one world left in R2, or in the isolate's memory, is found by the next. */
	readonly startedAt = START_AT + 10 * DAY * worldsMade++;
	readonly invocations: Invocation[] = [];
	readonly problems: string[] = [];
	readonly gate: FaultGate;
	readonly runtime: FakeRuntime;
	readonly upstreams: Upstreams;
	readonly jobs: VirtualQueue;
	readonly deliveries: VirtualQueue;
	readonly #config: ParsedConfig;

	constructor(plan: readonly Planned[]) {
		const gate = new FaultGate(plan, () => this.runtime.now());
		this.gate = gate;
		this.upstreams = new Upstreams(gate, (ms, signal) => this.runtime.sleep(ms, signal));
		this.runtime = fakeRuntime({
			startAt: this.startedAt,
			settle: () => gate.quiet(),
		});
		this.runtime.subtle = countedSubtle(gate);
		this.jobs = new VirtualQueue("jobs", this, (batch) => this.#consume(batch));
		this.deliveries = new VirtualQueue("deliveries", this, (batch) => this.#dispatch(batch));
		this.#config = parseConfig({ ...env, ...VARS });
		this.#sweepIn(MINUTE);
	}

	problem(what: string): void {
		this.problems.push(what);
	}

	/** One request. Null: no answer came in time, which is a problem of its own. */
	async ask(request: Request, waitMs: number): Promise<Response | null> {
		const { bindings, runtime } = this.#through(doorOf(request));
		const context = standIn(createExecutionContext(), {
			waitUntil: (work: Promise<void>) => this.#background("intake's background", work),
		});
		const limitMs = waitMs + ANSWER_MS;
		const answer = this.#invoke("intake", limitMs, () => intake(request, bindings, context, this.#config, runtime));
		return (await this.until(answer, limitMs)) ? await answer : null;
	}

	/** Moves the clock on until `run` has ended. False: it has not within `limitMs`. */
	async until(run: Promise<unknown>, limitMs: number): Promise<boolean> {
		let isOver = false;
		const over = () => {
			isOver = true;
		};
		run.then(over, over);
		const stopAt = this.runtime.now() + limitMs;
		for (;;) {
			await this.gate.quiet();
			if (isOver) return true;
			const at = this.runtime.nextTimerAt();
			if (at === null || at > stopAt) return false;
			await this.runtime.advance(Math.max(0, at - this.runtime.now()));
		}
	}

	/** Nothing is under way and no message waits. */
	isIdle(): boolean {
		const isRunning = this.invocations.some(({ endedAt }) => endedAt === null);
		return !isRunning && this.jobs.size() + this.deliveries.size() === 0;
	}

	/** What one invocation works with: its calls pass the gate as those of its door. */
	#through(door: string): { bindings: Env; runtime: Runtime } {
		const gate = this.gate.at(door);
		const bindings = {
			...env,
			...VARS,
			DB: gatedD1(gate),
			KEY_RATE: gatedLimiter(gate, env.KEY_RATE, "keys"),
			UNAUTHENTICATED_RATE: gatedLimiter(gate, env.UNAUTHENTICATED_RATE, "unauthenticated"),
			RESULTS: gatedR2(gate),
			AI: this.upstreams.bindingFor(gate, env.AI),
			JOB_QUEUE: gatedQueue(gate, env.JOB_QUEUE, "jobs", this.jobs),
			DELIVERY_QUEUE: gatedQueue(gate, env.DELIVERY_QUEUE, "deliveries", this.deliveries),
		};
		return { bindings, runtime: { ...this.runtime, fetch: (url, init) => this.upstreams.fetch(gate, url, init) } };
	}

	async #consume(batch: MessageBatch): Promise<void> {
		const { bindings, runtime } = this.#through("consumer");
		await this.#invoke("consumer", ATTEMPT_SECONDS * SECOND + SLACK_MS, async () => {
			if (this.#config.ok) await consumeJobs(batch, bindings, this.#config.config, runtime, new FreshResults());
		});
	}

	async #dispatch(batch: MessageBatch): Promise<void> {
		const { bindings, runtime } = this.#through("dispatcher");
		await this.#invoke("dispatcher", WEBHOOK_MS + SLACK_MS, async () => {
			if (this.#config.ok)
				await dispatchDeliveries(batch, bindings, this.#config.config, runtime, new FreshResults(), (work) =>
					this.#background("dispatcher's background", work),
				);
		});
	}

	#sweepIn(ms: number): void {
		this.runtime.timer(ms, () => {
			this.#sweepIn(MINUTE);
			const { bindings, runtime } = this.#through("sweeper");
			this.#invoke("sweeper", SLACK_MS, () => sweep(bindings, this.#config, runtime)).catch((error) =>
				this.problem(`the sweeper threw ${String(error)}`),
			);
		});
	}

	#background(what: string, work: Promise<void>): void {
		void this.#invoke(what, BACKGROUND_MS, () => work);
	}

	async #invoke<T>(what: string, limitMs: number, run: () => Promise<T>): Promise<T> {
		const invocation: Invocation = { what, limitMs, startedAt: this.runtime.now(), endedAt: null };
		this.invocations.push(invocation);
		try {
			return await run();
		} finally {
			invocation.endedAt = this.runtime.now();
		}
	}
}

/** The route, whatever ids are in its path. */
function doorOf({ method, url }: Request): string {
	return `intake ${method} ${new URL(url).pathname.replaceAll(/[a-z]+_[0-9a-z]{26}/g, ":id")}`;
}
