/** The bindings of the Worker, each call of which passes a gate by its name. D1, R2 and limiters are real behind it; D1 gets the world's time. */
import { env } from "cloudflare:workers";
import { NOW } from "../../../shared/db/database.ts";
import { R2_KINDS, R2_METHODS } from "../faults/catalogue.ts";
import { interceptedD1, standIn, unexpected } from "../support/watched-d1.ts";
import { brokenBody, type Call } from "./faults.ts";
import type { ProcessGate } from "./gate.ts";

/** Calls are named as `Database` names them: "d1 lease jobs"; several that share a transaction: "d1 finish jobs, requeue job". */
export function gatedD1(gate: ProcessGate): D1Database {
	return interceptedD1(env.DB, {
		bind: (sql, params) => (sql.includes(NOW) ? [params[0] ?? gate.now(), ...params.slice(1)] : params),
		call(statements, run) {
			const names = new Set(statements.map(({ name }) => name));
			const about = jobsIn(statements.map(({ params }) => params));
			const call: Call = { name: `d1 ${[...names].join(", ")}`, outside: "d1", isRead: false, hasBody: false, about };
			return gate.pass(call, async () => {
				const results = await gate.counted(run);
				call.isRead = results.every(({ meta }) => meta.rows_written === 0);
				return results;
			});
		},
	});
}

/** Calls are named by method and kind of key: "r2 put results". */
export function gatedR2(gate: ProcessGate): R2Bucket {
	const gated = (method: (typeof R2_METHODS)[number]) => {
		return (...args: unknown[]) => {
			const isRead = method === "head" || method === "get" || method === "list";
			const kind = R2_KINDS.find((prefix) => JSON.stringify(args[0]).includes(`${prefix}/`)) ?? "of another kind";
			const name = `r2 ${method} ${kind}`;
			const call: Call = { name, outside: "r2", isRead, hasBody: method === "get", about: jobsIn(args) };
			const run = async (): Promise<unknown> => {
				const reply: unknown = await gate.counted(() => Reflect.apply(env.RESULTS[method], env.RESULTS, args));
				return method === "get" && reply !== null ? readable(gate, Object(reply)) : reply;
			};
			return gate.pass(call, run, (ending, whole) => (whole === null ? null : unreadable(ending, Object(whole))));
		};
	};
	return standIn(env.RESULTS, {
		...Object.fromEntries(R2_METHODS.map((method) => [method, gated(method)])),
		createMultipartUpload: unexpected,
		resumeMultipartUpload: unexpected,
	});
}

/** A queue as its producers see it. */
export interface QueueStore {
	add(body: unknown, delaySeconds: number): void;
	backlog(): number;
}

/** Calls are named by method and queue: "queue sendBatch jobs". */
export function gatedQueue(gate: ProcessGate, queue: Queue, kind: "jobs" | "deliveries", store: QueueStore): Queue {
	const pass = (method: string, about: unknown, run: () => void, detail = "") => {
		const isRead = method === "metrics";
		const call = { name: `queue ${method} ${kind}`, detail, isRead, hasBody: false, about: jobsIn(about) };
		return gate.pass({ ...call, outside: "queue" }, async () => {
			run();
			return isRead ? { backlogCount: store.backlog(), backlogBytes: 0 } : {};
		});
	};
	return standIn(queue, {
		metrics: () => pass("metrics", [], () => undefined),
		send: (body: unknown, { delaySeconds = 0 }: QueueSendOptions = {}) =>
			pass("send", body, () => store.add(body, delaySeconds), ` in ${delaySeconds} s`),
		sendBatch: (messages: MessageSendRequest[]) =>
			pass(
				"sendBatch",
				messages,
				() => {
					for (const { body, delaySeconds = 0 } of messages) store.add(body, delaySeconds);
				},
				messages[0]?.delaySeconds === undefined ? "" : ` in ${messages[0].delaySeconds} s`,
			),
	});
}

/** Whether a request was counted does not matter, so the faults are those of a read. */
export function gatedLimiter(gate: ProcessGate, limiter: RateLimit, kind: string): RateLimit {
	const call: Call = { name: `limiter ${kind}`, outside: "limiter", isRead: true, hasBody: false, about: [] };
	return { limit: (options) => gate.pass({ ...call }, () => gate.counted(() => limiter.limit(options))) };
}

/** Takes turns of the event loop of its own. */
export function countedSubtle(gate: Pick<ProcessGate, "counted">): SubtleCrypto {
	return new Proxy(crypto.subtle, {
		get(subtle, name) {
			const value: unknown = Reflect.get(subtle, name);
			if (typeof value !== "function") return value;
			return (...args: unknown[]) =>
				gate.counted(async (): Promise<unknown> => await Reflect.apply(value, subtle, args));
		},
	});
}

/** What is read of a body is I/O too, during which the clock stands still. */
function readable(gate: ProcessGate, object: R2ObjectBody): R2ObjectBody {
	return standIn(object, {
		text: () => gate.counted(() => object.text()),
		json: () => gate.counted(() => object.json()),
		arrayBuffer: () => gate.counted(() => object.arrayBuffer()),
	});
}

function unreadable(ending: "breaks off" | "never ends", object: R2ObjectBody): R2ObjectBody {
	const body = brokenBody(ending);
	const text = () => new Response(body).text();
	return standIn(object, { body, text, json: async () => JSON.parse(await text()), arrayBuffer: unexpected });
}

/** The random part is what a job's id shares with those of its deliveries and of its objects. */
export function jobsIn(value: unknown): string[] {
	const ids = JSON.stringify(value).matchAll(/(?:job|dlv)_([0-9a-z]{26})/g);
	return [...new Set([...ids].map(([, id = ""]) => id))];
}
