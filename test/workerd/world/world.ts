/**
 * The platform, for one test: D1, R2 and limiters are real; clock, dice, queues, models and receivers are the test's. A test
 * starts processes by hand, or the whole service runs by itself, entered by its actors' own functions: queues deliver, and
 * cron sweeps. Any call to the outside can be made to go wrong.
 */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type Config, parseConfig } from "../../../shared/core/config.ts";
import { DeliveryMessage, JobMessage } from "../../../shared/queues/queue.ts";
import { consumeJobs } from "../../../workers/consumer/index.ts";
import { dispatchDeliveries } from "../../../workers/dispatcher/index.ts";
import { intake } from "../../../workers/intake/index.ts";
import { sweep } from "../../../workers/sweeper/index.ts";
import { type FakeRuntime, fakeRuntime, START_AT } from "../../support/fake-runtime.ts";
import { MINUTE, SECOND } from "../../support/job-of.ts";
import { standIn } from "../support/watched-d1.ts";
import { Gate, type Rule } from "./gate.ts";
import type { ScriptedModel } from "./model.ts";
import { Process } from "./process.ts";
import { WorldQueue } from "./queue.ts";
import { type Reply, Upstreams } from "./upstreams.ts";

export interface Invocation {
	what: string;
	startedAt: number;
	endedAt: number | null;
	/** What it may wait for by order, and as much time as it may lose besides. */
	limitMs: number;
}

/** What one attempt may take where the service runs by itself: its jobs' `timeout_seconds`. */
export const ATTEMPT_SECONDS = 60;
const SLACK_MS = 2 * MINUTE;
const WEBHOOK_MS = 20 * SECOND;
/** A caller waits no longer for a response, besides what it requested. */
const RESPONSE_MS = MINUTE;
/** Cron is late after that, for the sake of stories that do nothing but wait for a retention to end. */
const ON_TIME_MS = 5 * MINUTE;
/** What goes on after a response is ended by the platform then. */
const BACKGROUND_MS = 30 * SECOND;

export interface Settings {
	startAt?: number;
	config?: Partial<Config>;
	/** Of receivers: one a webhook, the last repeats. All are 204 unless given. */
	replies?: Reply[];
	rules?: readonly Rule[];
	/** Queues deliver and cron sweeps; otherwise the test starts each process. */
	runsByItself?: boolean;
}

export class World {
	readonly startedAt: number;
	readonly config: Config;
	readonly gate: Gate;
	readonly runtime: FakeRuntime;
	readonly upstreams: Upstreams;
	readonly jobs: WorldQueue<JobMessage>;
	readonly deliveries: WorldQueue<DeliveryMessage>;
	readonly invocations: Invocation[] = [];
	readonly problems: string[] = [];

	constructor({ startAt = START_AT, config, replies, rules = [], runsByItself = false }: Settings = {}) {
		this.startedAt = startAt;
		this.config = { ...configOf(env), ...config };
		const gate = new Gate(() => this.runtime.now());
		this.gate = gate;
		for (const rule of rules) gate.add(rule);
		this.runtime = fakeRuntime({ startAt, settle: () => gate.quiet() });
		this.upstreams = new Upstreams((run) => gate.counted(run), this.runtime.sleep);
		if (replies !== undefined) this.upstreams.replies = replies;
		const around = { runtime: this.runtime, problem: (what: string) => this.problem(what) };
		const by = (consume: (batch: MessageBatch) => Promise<void>) => ({
			...around,
			consume: runsByItself ? consume : null,
		});
		this.jobs = new WorldQueue({ name: "jobs", schema: JobMessage, ...by((batch) => this.#consume(batch)) });
		this.deliveries = new WorldQueue({
			name: "deliveries",
			schema: DeliveryMessage,
			...by((batch) => this.#dispatch(batch)),
		});
		if (runsByItself) this.#sweepLater();
	}

	/** Every call to the outside so far, by name. */
	get calls(): string[] {
		return this.gate.calls.map(({ name, detail = "" }) => name + detail);
	}

	/** What receivers got. */
	get received() {
		return this.upstreams.received;
	}

	start(model: ScriptedModel | null = null, invokedFor = "test"): Process {
		return new Process(this, invokedFor, model);
	}

	/** Lets time pass, and everything happen that is due. */
	async advance(ms: number): Promise<void> {
		await this.runtime.advance(ms);
	}

	/** One sweep, after some time. */
	async sweep(waitMs = 0, ...faults: Parameters<Process["on"]>[]): Promise<void> {
		await this.advance(waitMs);
		const process = this.start();
		for (const fault of faults) process.on(...fault);
		await process.sweep();
	}

	/** Moves the clock on until `run` has ended. False: it does not end within `limitMs`, or nothing will ever end it. */
	async until(run: Promise<unknown>, limitMs = Number.POSITIVE_INFINITY): Promise<boolean> {
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

	problem(what: string): void {
		this.problems.push(what);
	}

	/** One request. Null: no response came in time. */
	async request(request: Request, waitMs: number): Promise<Response | null> {
		const process = this.start(null, `intake ${routeOf(request)}`);
		const context = standIn(createExecutionContext(), {
			waitUntil: (work: Promise<void>) => this.#background("intake's background", work),
		});
		const limitMs = waitMs + RESPONSE_MS;
		const response = this.#invoke("intake", limitMs, () =>
			intake(request, process.env, context, { ok: true, config: this.config }, process.runtime, process.isolate),
		);
		return (await this.until(response, limitMs)) ? await response : null;
	}

	/** Nothing is in progress and no message waits. */
	isIdle(): boolean {
		const isRunning = this.invocations.some(({ endedAt }) => endedAt === null);
		return !isRunning && this.jobs.waiting.length + this.deliveries.waiting.length === 0;
	}

	async #consume(batch: MessageBatch): Promise<void> {
		const { env, runtime, isolate } = this.start(null, "consumer");
		await this.#invoke("consumer", ATTEMPT_SECONDS * SECOND + SLACK_MS, () =>
			consumeJobs(batch, env, this.config, runtime, isolate),
		);
	}

	async #dispatch(batch: MessageBatch): Promise<void> {
		const { env, runtime, isolate } = this.start(null, "dispatcher");
		const background = (work: Promise<void>) => this.#background("dispatcher's background", work);
		await this.#invoke("dispatcher", WEBHOOK_MS + SLACK_MS, () =>
			dispatchDeliveries(batch, env, this.config, runtime, isolate, background),
		);
	}

	#sweepLater(): void {
		const isLate = this.runtime.now() - this.startedAt >= ON_TIME_MS;
		this.runtime.timer(isLate ? 5 * MINUTE : MINUTE, () => {
			this.#sweepLater();
			const { env, runtime } = this.start(null, "sweeper");
			this.#invoke("sweeper", SLACK_MS, () => sweep(env, { ok: true, config: this.config }, runtime)).catch((error) =>
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

export function configOf(vars: Parameters<typeof parseConfig>[0]): Config {
	const parsed = parseConfig(vars);
	if (!parsed.ok) throw new Error(parsed.problems.join("; "));
	return parsed.config;
}

/** Method and path, whatever ids are in it. */
function routeOf({ method, url }: Request): string {
	return `${method} ${new URL(url).pathname.replaceAll(/[a-z]+[_-][0-9a-z]{26}/g, ":id")}`;
}
