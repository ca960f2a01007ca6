/**
 * Takes:  JOB_QUEUE messages, `{ tenantId, jobId }`.
 * Writes: jobs (queued → running → succeeded | failed | expired | queued again), RESULTS/<tenant>/<job>, deliveries, breakers.
 * Sends:  DELIVERY_QUEUE, when a job is final; JOB_QUEUE, for parked jobs whose model is back.
 */
import type { Config } from "../../shared/core/config.ts";
import { newHolder } from "../../shared/core/ids.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import { askModel } from "../../shared/model/ask-model.ts";
import { JobMessage } from "../../shared/queues/queue.ts";
import type { FreshResults } from "../../shared/storage/fresh-results.ts";
import { bind } from "../bindings.ts";
import { settleMessages } from "../settle-messages.ts";
import { ByteBudget } from "./byte-budget.ts";
import { groupEnds } from "./group-ends.ts";
import { runBatch } from "./run-batch.ts";

/** An isolate has 128 MB, and an input exists several times over while it is parsed and sent. */
const INPUT_BYTES_HELD_MAX = 24 * 1024 * 1024;

export async function consumeJobs(
	batch: MessageBatch,
	env: Env,
	config: Config,
	runtime: Runtime,
	freshResults: FreshResults,
): Promise<void> {
	const bindings = bind(env, runtime);
	const consumer = {
		...bindings,
		ends: groupEnds(bindings.db),
		freshResults,
		ask: askModel({
			runtime,
			ai: env.AI,
			secret: (name) => secretNamed(env, name),
			limits: { idleMs: config.streamIdleMs },
		}),
		config,
		runtime,
		inputBudget: new ByteBudget(INPUT_BYTES_HELD_MAX),
		holder: newHolder(runtime),
	};
	const messages = { schema: JobMessage, idOf: (key: JobMessage) => `${key.tenantId}/${key.jobId}` };
	await settleMessages(batch, messages, (keys, settle) => runBatch(consumer, keys, settle));
}

/** A provider key: any secret of this Worker that a route names. */
function secretNamed(env: Env, name: string): string | null {
	const value: unknown = Reflect.get(env, name);
	return typeof value === "string" && value !== "" ? value : null;
}
