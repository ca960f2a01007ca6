/**
 * Takes:  JOB_QUEUE messages, `{ tenantId, jobId }`.
 * Writes: jobs (queued → running → succeeded | failed | expired | queued again), results/<tenant>/<job>, deliveries, breakers,
 *         usage (by a trigger, when a job is final).
 * Sends:  DELIVERY_QUEUE, when a job starts or is final; JOB_QUEUE, for parked jobs that it released: their model is back, or
 *         they got a slot.
 */
import type { Config } from "../../shared/core/config.ts";
import { keyText } from "../../shared/core/ids.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { callModel } from "../../shared/model/call-model.ts";
import { JobMessage } from "../../shared/queues/queue.ts";
import { applyDispositions } from "../apply-dispositions.ts";
import { bind } from "../bindings.ts";
import type { Isolate } from "../isolate.ts";
import { newConsumer } from "./consumer.ts";
import { runMessages } from "./run-messages.ts";

export async function consumeJobs(
	batch: MessageBatch,
	env: Env,
	config: Config,
	runtime: Runtime,
	isolate: Isolate,
): Promise<void> {
	const secret = (name: string) => secretNamed(env, name);
	const [signingKey = ""] = config.signingKeys;
	const limits = { idleMs: config.streamIdleMs };
	const consumer = newConsumer({
		...bind(env, runtime),
		callModel: callModel({ runtime, ai: env.AI, signingKey, secret, allowSimulated: config.allowSimulated, limits }),
		config,
		runtime,
		...isolate,
	});
	const messages = { schema: JobMessage, idOf: (key: JobMessage) => keyText(key.tenantId, key.jobId) };
	await applyDispositions(batch, messages, (keys, dispose) => runMessages(consumer, keys, dispose));
}

/** A provider key: any secret of this Worker that a route names. */
function secretNamed(env: Env, name: string): string | null {
	const value: unknown = Reflect.get(env, name);
	return typeof value === "string" && value !== "" ? value : null;
}
