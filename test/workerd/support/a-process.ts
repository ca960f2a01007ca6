/** One invocation: what it does to D1, R2, queues and model passes a gate that can fail, wait, or be its death. */
import { env } from "cloudflare:workers";
import type { Runtime } from "../../../shared/core/runtime.ts";
import { Database } from "../../../shared/db/database.ts";
import { DeliveryMessage, JobMessage } from "../../../shared/queues/queue.ts";
import { FreshResults } from "../../../shared/storage/fresh-results.ts";
import { bind } from "../../../workers/bindings.ts";
import { newConsumer } from "../../../workers/consumer/consumer.ts";
import { newDispatcher } from "../../../workers/dispatcher/dispatcher.ts";
import type { Process, World } from "./a-world.ts";
import type { ScriptedModel } from "./scripted-model.ts";
import { callOf } from "./watched-d1.ts";

/** What becomes of one call. `go` makes it, and may be called later, or never. */
export type Happening = (go: () => Promise<unknown>, process: Process) => Promise<unknown>;

/** D1 and R2 name a lost connection like this; whether the call took effect is anybody's guess. */
const connectionLost = () => new Error("D1_ERROR: Network connection lost.");

export const failsBefore: Happening = async () => {
	throw connectionLost();
};
export const failsAfter: Happening = async (go) => {
	await go();
	throw connectionLost();
};
/** It takes effect, and nobody ever hears of it. */
export const hangsAfter: Happening = async (go) => {
	await go();
	await new Promise<never>(() => undefined);
};
export const hangsBefore: Happening = () => new Promise<never>(() => undefined);
export const diesBefore: Happening = async (_go, process) => {
	process.kill();
};
export const diesAfter: Happening = async (go, process) => {
	await go();
	process.kill();
};

type Counted = <T>(run: () => Promise<T>) => Promise<T>;
type Gate = <T>(what: string, run: () => Promise<T>) => Promise<T>;

export function aProcess(world: World, counted: Counted, model: ScriptedModel | undefined): Process {
	let isDead = false;
	const rules: { what: RegExp; happening: Happening; left: number }[] = [];
	const never = () => new Promise<never>(() => undefined);

	async function gate<T>(what: string, run: () => Promise<T>): Promise<T> {
		if (isDead) return await never();
		world.calls.push(what);
		const rule = rules.find((candidate) => candidate.left > 0 && candidate.what.test(what));
		if (rule === undefined) {
			const value = await run();
			return isDead ? await never() : value;
		}
		rule.left -= 1;
		const made: T[] = [];
		await rule.happening(async () => {
			made.push(await run());
		}, process);
		const [value] = made;
		return isDead || value === undefined ? await never() : value;
	}
	const io: Gate = (what, run) => gate(what, () => counted(run));

	const runtime: Runtime = {
		...world.runtime,
		subtle: countedSubtle(counted),
		timer: (ms, onTime) => world.runtime.timer(ms, () => (isDead ? undefined : onTime())),
		sleep: async (ms, signal) => {
			await world.runtime.sleep(ms, signal);
			if (isDead) await never();
		},
	};
	const bindings = bind(
		{
			DB: gatedD1(io),
			RESULTS: gatedR2(io),
			DELIVERY_QUEUE: recordingQueue(env.DELIVERY_QUEUE, world, io, (body) =>
				world.bells.deliveries.push(DeliveryMessage.parse(body)),
			),
			JOB_QUEUE: recordingQueue(env.JOB_QUEUE, world, io, (body) => world.bells.jobs.push(JobMessage.parse(body))),
		},
		runtime,
	);
	const db = new Database(gatedD1(io), runtime, () => runtime.now());
	const shared = { ...bindings, db, config: world.config, runtime, freshResults: new FreshResults() };
	const background: Promise<void>[] = [];
	const process: Process = {
		runtime,
		consumer: newConsumer({
			...shared,
			callModel: (call, signal) =>
				gate("model", async () => {
					if (model === undefined) throw new Error("nobody should be asked here");
					return await model.ask(call, signal, runtime);
				}),
		}),
		dispatcher: newDispatcher({ ...shared, background: (work) => void background.push(work) }),
		background,
		sweeper: { ...shared, signingKeys: world.config.signingKeys },
		on: (what, happening, times = 1) => rules.push({ what, happening, left: times }),
		kill: () => {
			isDead = true;
		},
	};
	return process;
}

/** Takes turns of the event loop of its own, during which the clock must stand still. */
function countedSubtle(counted: Counted): SubtleCrypto {
	return new Proxy(crypto.subtle, {
		get(subtle, name) {
			const value: unknown = Reflect.get(subtle, name);
			if (typeof value !== "function") return value;
			return (...args: unknown[]) => counted(async (): Promise<unknown> => await Reflect.apply(value, subtle, args));
		},
	});
}

function gatedD1(io: Gate): D1Database {
	const inside = new WeakMap<object, { statement: D1PreparedStatement; what: string }>();
	const gated = (sql: string, params: unknown[]): D1PreparedStatement => {
		const statement = env.DB.prepare(sql).bind(...params);
		const what = `d1 ${callOf(sql)}`;
		const outside = new Proxy(statement, {
			get: (_target, name) => (name === "all" ? () => io(what, () => statement.all()) : Reflect.get(statement, name)),
		});
		inside.set(outside, { statement, what });
		return outside;
	};
	const batch = (statements: object[]) => {
		const real = statements.flatMap((statement) => inside.get(statement) ?? []);
		const what = [...new Set(real.map(({ what }) => what))].join(", ");
		return io(what, () => env.DB.batch(real.map(({ statement }) => statement)));
	};
	const prepare = (sql: string) =>
		new Proxy(env.DB.prepare(sql), {
			get: (target, name) =>
				name === "bind" ? (...params: unknown[]) => gated(sql, params) : Reflect.get(target, name),
		});
	return new Proxy(env.DB, {
		get: (target, name) => (name === "prepare" ? prepare : name === "batch" ? batch : Reflect.get(target, name)),
	});
}

/** Calls are named by method and kind of key: "r2 put results". What a `get` found is read through the gate, too. */
function gatedR2(io: Gate): R2Bucket {
	return new Proxy(env.RESULTS, {
		get(bucket, name) {
			const method: unknown = Reflect.get(bucket, name);
			if (typeof method !== "function") return method;
			return async (...args: unknown[]) => {
				const what = `r2 ${String(name)} ${String(args[0]).split("/")[0]}`;
				const found = await io(what, async (): Promise<unknown> => await Reflect.apply(method, bucket, args));
				return name === "get" && typeof found === "object" && found !== null ? gatedBody(io, found) : found;
			};
		},
	});
}

function gatedBody(io: Gate, object: object): object {
	return new Proxy(object, {
		get(target, name) {
			const value: unknown = Reflect.get(target, name);
			if (typeof value !== "function") return value;
			return () => io(`r2 body ${String(name)}`, async (): Promise<unknown> => await Reflect.apply(value, target, []));
		},
	});
}

function recordingQueue(queue: Queue, world: World, io: Gate, ring: (body: unknown) => void): Queue {
	return new Proxy(queue, {
		get(_target, name) {
			if (name === "metrics") {
				return () =>
					io("queue metrics", async () => {
						if (world.backlog === null) throw new Error("the queue does not say");
						return { backlogCount: world.backlog, backlogBytes: 0 };
					});
			}
			if (name === "send") {
				return (body: unknown, { delaySeconds = 0 }: QueueSendOptions = {}) =>
					io(`queue send in ${delaySeconds} s`, async () => ring(body));
			}
			return (messages: Iterable<{ body: unknown }>) =>
				io("queue send", async () => {
					for (const { body } of messages) ring(body);
				});
		},
	});
}
