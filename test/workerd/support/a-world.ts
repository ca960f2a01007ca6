/**
 * A world for the actors: real D1 and R2, and in their place only the clock, dice, model, endpoint and queues. Each
 * process of it can be made to fail or die at any call it makes; the clock moves when everybody waits for it.
 */
import { env } from "cloudflare:workers";
import { type Config, parseConfig } from "../../../shared/core/config.ts";
import type { JobKey } from "../../../shared/core/jobs/job.ts";
import type { Runtime } from "../../../shared/core/runtime.ts";
import type { DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import type { Consumer } from "../../../workers/consumer/consumer.ts";
import type { Dispatcher } from "../../../workers/dispatcher/dispatcher.ts";
import type { Sweeper } from "../../../workers/sweeper/sweeper.ts";
import { type FakeRuntime, type FakeWorld, fakeRuntime } from "../../support/fake-runtime.ts";
import { aProcess, type Fault } from "./a-process.ts";
import type { ScriptedModel } from "./scripted-model.ts";

export interface World {
	runtime: FakeRuntime;
	config: Config;
	/** What was rung for and not yet taken by `takeBells`. */
	bells: { jobs: JobKey[]; deliveries: DeliveryKey[] };
	/** What the queue says of its backlog; null: it does not say. */
	backlog: number | null;
	/** Every call to D1, R2, queue or model, as `what` names it, in order. */
	calls: string[];
	start(model?: ScriptedModel): Process;
	/** Lets time pass, and everybody do what they do meanwhile. */
	advance(ms: number): Promise<void>;
	/** Moves the clock on until `run` has ended. False: nothing will ever end it. */
	ended(run: Promise<unknown>): Promise<boolean>;
}

export interface Process {
	runtime: Runtime;
	consumer: Consumer;
	dispatcher: Dispatcher;
	sweeper: Sweeper;
	/** What it left to go on after its batch. */
	background: Promise<void>[];
	/** Makes the next `times` calls that match `what` go as `fault` says. */
	on(what: RegExp, fault: Fault, times?: number): void;
	kill(): void;
}

export function aWorld(given: Pick<FakeWorld, "fetch" | "startAt"> & { config?: Partial<Config> } = {}): World {
	let inFlight = 0;
	const { config: overrides, ...fakes } = given;
	const runtime = fakeRuntime({ ...fakes, settle: () => quiet(() => inFlight) });
	const world: World = {
		runtime,
		config: { ...configOf(env), ...overrides },
		bells: { jobs: [], deliveries: [] },
		backlog: null,
		calls: [],
		start: (model) => aProcess(world, counted, model),
		advance: (ms) => runtime.advance(ms),
		async ended(run) {
			let isOver = false;
			const over = () => {
				isOver = true;
			};
			run.then(over, over);
			for (;;) {
				await quiet(() => inFlight);
				if (isOver) return true;
				const at = runtime.nextTimerAt();
				if (at === null) return false;
				await runtime.advance(Math.max(0, at - runtime.now()));
			}
		},
	};
	async function counted<T>(run: () => Promise<T>): Promise<T> {
		inFlight += 1;
		try {
			return await run();
		} finally {
			inFlight -= 1;
		}
	}
	return world;
}

/** Takes what was rung for since the last time. */
export function takeBells(world: World): World["bells"] {
	const taken = world.bells;
	world.bells = { jobs: [], deliveries: [] };
	return taken;
}

export function configOf(vars: Env): Config {
	const parsed = parseConfig(vars);
	if (!parsed.ok) throw new Error(parsed.problems.join("; "));
	return parsed.config;
}

/** No call is under way, and none begins for a few turns of the event loop. */
async function quiet(inFlight: () => number): Promise<void> {
	for (let idle = 0; idle < 3; idle = inFlight() > 0 ? 0 : idle + 1) {
		await new Promise<void>((resolve) => setImmediate(resolve));
	}
}
