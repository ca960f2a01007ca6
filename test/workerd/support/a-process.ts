/** One invocation: what it does to D1, R2, queues and model passes a gate that can fail, wait, or be its death. */
import { env } from "cloudflare:workers";
import type { Runtime } from "../../../shared/core/runtime.ts";
import { DeliveryMessage, JobMessage } from "../../../shared/queues/queue.ts";
import { FreshResults } from "../../../shared/storage/fresh-results.ts";
import { bind } from "../../../workers/bindings.ts";
import { newConsumer } from "../../../workers/consumer/consumer.ts";
import { newDispatcher } from "../../../workers/dispatcher/dispatcher.ts";
import type { Process, World } from "./a-world.ts";
import { countedSubtle, type Gate, gatedD1, gatedQueue, gatedR2, type QueueStore } from "./bindings.ts";
import type { Call } from "./fault.ts";
import type { ScriptedModel } from "./scripted-model.ts";

/** What becomes of one call. `go` makes it, and may be called later, or never. */
export type Fault = (go: () => Promise<unknown>, process: Process) => Promise<unknown>;

/** D1 and R2 name a lost connection like this; whether the call took effect is anybody's guess. */
const connectionLost = () => new Error("D1_ERROR: Network connection lost.");

export const failsBefore: Fault = async () => {
	throw connectionLost();
};
export const failsAfter: Fault = async (go) => {
	await go();
	throw connectionLost();
};
/** It takes effect, and nobody ever hears of it. */
export const hangsAfter: Fault = async (go) => {
	await go();
	await new Promise<never>(() => undefined);
};
export const hangsBefore: Fault = () => new Promise<never>(() => undefined);
export const diesBefore: Fault = async (_go, process) => {
	process.kill();
};
export const diesAfter: Fault = async (go, process) => {
	await go();
	process.kill();
};

export function aProcess(world: World, counted: Gate["counted"], model: ScriptedModel | undefined): Process {
	let isDead = false;
	const rules: { what: RegExp; fault: Fault; left: number }[] = [];
	const never = () => new Promise<never>(() => undefined);

	async function pass<T>({ name, detail = "" }: Pick<Call, "name" | "detail">, run: () => Promise<T>): Promise<T> {
		if (isDead) return await never();
		const what = name + detail;
		world.calls.push(what);
		const rule = rules.find((candidate) => candidate.left > 0 && candidate.what.test(what));
		const made: T[] = [];
		const go = async () => {
			made.push(await run());
		};
		if (rule === undefined) await go();
		else {
			rule.left -= 1;
			await rule.fault(go, process);
		}
		for (const answer of isDead ? [] : made) return answer;
		return await never();
	}
	const gate: Gate = { pass, counted, now: () => world.runtime.now() };

	const runtime: Runtime = {
		...world.runtime,
		subtle: countedSubtle(gate),
		timer: (ms, onTime) => world.runtime.timer(ms, () => (isDead ? undefined : onTime())),
		sleep: async (ms, signal) => {
			await world.runtime.sleep(ms, signal);
			if (isDead) await never();
		},
	};
	const queues = queuesOf(world);
	const bindings = bind(
		{
			DB: gatedD1(gate),
			RESULTS: gatedR2(gate),
			DELIVERY_QUEUE: gatedQueue(gate, env.DELIVERY_QUEUE, "deliveries", queues.deliveries),
			JOB_QUEUE: gatedQueue(gate, env.JOB_QUEUE, "jobs", queues.jobs),
		},
		runtime,
	);
	const shared = { ...bindings, config: world.config, runtime, freshResults: new FreshResults() };
	const background: Promise<void>[] = [];
	const process: Process = {
		runtime,
		consumer: newConsumer({
			...shared,
			callModel: (call, signal) =>
				pass({ name: "model" }, async () => {
					if (model === undefined) throw new Error("nobody should be asked here");
					return await model.ask(call, signal, runtime);
				}),
		}),
		dispatcher: newDispatcher({ ...shared, background: (work) => void background.push(work) }),
		background,
		sweeper: { ...shared, signingKeys: world.config.signingKeys },
		on: (what, fault, times = 1) => rules.push({ what, fault, left: times }),
		kill: () => {
			isDead = true;
		},
	};
	return process;
}

/** They keep what is sent, and hand out nothing. */
function queuesOf(world: World): Record<"jobs" | "deliveries", QueueStore> {
	const size = () => {
		if (world.backlog === null) throw new Error("the queue does not say");
		return world.backlog;
	};
	return {
		jobs: { add: (body) => void world.bells.jobs.push(JobMessage.parse(body)), size },
		deliveries: { add: (body) => void world.bells.deliveries.push(DeliveryMessage.parse(body)), size },
	};
}
