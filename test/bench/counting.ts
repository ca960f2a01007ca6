/** Counts a Worker's calls to its bindings and to the network, by wrapping them. The Worker does not notice. */
import { AsyncLocalStorage } from "node:async_hooks";
import { standIn, watchedD1 } from "../workerd/support/watched-d1.ts";
import { type Account, emptyAccount, type Ledger } from "./ledger.ts";

/** Of this isolate, since it began. */
export const ledger: Ledger = {};

export function accountOf(actor: string): Account {
	const account = ledger[actor] ?? emptyAccount();
	ledger[actor] = account;
	return account;
}

const acting = new AsyncLocalStorage<string>();

/** Runs one invocation of `actor`. */
export async function invocationOf<T>(actor: string, run: () => T | Promise<T>): Promise<T> {
	accountOf(actor).spent.invocations += 1;
	return await acting.run(actor, async () => await run());
}

/** From here on, calls of the global fetch count for the current actor. */
export function countFetches(): void {
	const { fetch } = globalThis;
	globalThis.fetch = (input, init) => {
		accountOf(acting.getStore() ?? "none").spent.fetches += 1;
		return fetch(input, init);
	};
}

/** From here on, each logged line counts for the current actor, with its bytes. */
export function countLogLines(): void {
	for (const level of ["log", "warn", "error"] as const) {
		const write = console[level];
		console[level] = (...words: unknown[]) => {
			const { spent } = accountOf(acting.getStore() ?? "none");
			spent.logLines += 1;
			spent.logBytes += new TextEncoder().encode(words.join(" ")).byteLength;
			write(...words);
		};
	}
}

/** `env`, the calls to whose bindings count for `actor`. */
export function countedEnv<E extends object>(env: E, actor: string): E {
	const account = accountOf(actor);
	const counted = { ...env };
	for (const [name, binding] of Object.entries(env)) Reflect.set(counted, name, countedBinding(binding, account));
	return counted;
}

function countedBinding(binding: unknown, account: Account): unknown {
	if (typeof binding !== "object" || binding === null) return binding;
	if (isD1(binding)) return countedD1(binding, account);
	if (isR2(binding)) return countedR2(binding, account);
	if (isQueue(binding)) return countedQueue(binding, account);
	return binding;
}

const isD1 = (binding: object): binding is D1Database => "prepare" in binding;
const isR2 = (binding: object): binding is R2Bucket => "createMultipartUpload" in binding;
const isQueue = (binding: object): binding is Queue => "sendBatch" in binding;

function countedD1(d1: D1Database, { spent, d1: calls }: Account): D1Database {
	return watchedD1(d1, (results, [first]) => {
		const what = first?.name ?? "";
		const call = calls[what] ?? { calls: 0, rowsRead: 0, rowsWritten: 0, sqlMs: 0 };
		calls[what] = call;
		spent.d1Calls += 1;
		spent.d1Statements += results.length;
		call.calls += 1;
		for (const { meta } of results) {
			spent.rowsRead += meta.rows_read;
			spent.rowsWritten += meta.rows_written;
			call.rowsRead += meta.rows_read;
			call.rowsWritten += meta.rows_written;
			call.sqlMs += meta.duration;
		}
	});
}

/** Put and list are class A, get and head class B; a put that finds its key taken is billed all the same. */
function countedR2(bucket: R2Bucket, { spent }: Account): R2Bucket {
	const counting = (method: "head" | "get" | "put" | "list", kind: "r2ClassA" | "r2ClassB") => {
		return (...args: unknown[]): unknown => {
			spent[kind] += 1;
			return Reflect.apply(bucket[method], bucket, args);
		};
	};
	return standIn(bucket, {
		head: counting("head", "r2ClassB"),
		get: counting("get", "r2ClassB"),
		put: counting("put", "r2ClassA"),
		list: counting("list", "r2ClassA"),
	});
}

/** A message is far below the 64 KB of one operation. */
function countedQueue(queue: Queue, { spent }: Account): Queue {
	return standIn(queue, {
		send: async (body: unknown, options?: QueueSendOptions) => {
			spent.queueWrites += 1;
			return await queue.send(body, options);
		},
		sendBatch: async (messages: Iterable<MessageSendRequest>, options?: QueueSendBatchOptions) => {
			const all = [...messages];
			spent.queueWrites += all.length;
			return await queue.sendBatch(all, options);
		},
	});
}

/** Each message is read once a delivery, and deleted unless it is to come again. */
export async function takeCounted<B>(
	batch: MessageBatch<B>,
	actor: string,
	consume: (batch: MessageBatch<B>) => void | Promise<void>,
): Promise<void> {
	const { spent } = accountOf(actor);
	spent.queueReads += batch.messages.length;
	const again = new Set<string>();
	const messages = batch.messages.map((message) =>
		standIn(message, {
			retry: (options?: QueueRetryOptions) => {
				again.add(message.id);
				message.retry(options);
			},
		}),
	);
	await consume(standIn(batch, { messages }));
	spent.queueDeletes += messages.length - again.size;
}
