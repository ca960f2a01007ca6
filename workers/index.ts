/**
 * The map.
 *
 *     caller ─POST─▶ intake ─▶ D1 ─▶ JOB_QUEUE ─▶ consumer ─▶ model ─▶ R2 ─▶ D1
 *                                                    └─▶ DELIVERY_QUEUE ─▶ dispatcher ─▶ caller's endpoint
 *     cron ─▶ sweeper: whatever a queue lost or a crash left behind, found again in D1
 *
 * A message only says which job to look at; D1 is the truth. Each actor's first comment says what it takes, writes and
 * sends; they never call each other. docs/glossary.md defines the terms.
 */
import { type ParsedConfig, parseConfig } from "../shared/core/config.ts";
import { consumeJobs } from "./consumer/index.ts";
import { dispatchDeliveries } from "./dispatcher/index.ts";
import { intake } from "./intake/index.ts";
import { Isolate } from "./isolate.ts";
import { logError, setLogLevel } from "./log.ts";
import { runtime } from "./runtime.ts";
import { sweep } from "./sweeper/index.ts";

export default {
	fetch(request, env, context) {
		return intake(request, env, context, configOf(env), runtime, isolate);
	},

	async queue(batch, env, context) {
		const kind = kindOf(batch.queue);
		if (kind === "dead-letters") return logDeadLetters(batch);
		const parsed = configOf(env);
		// Nothing is lost: the messages are retried every minute, a hundred times, and then the sweeper redispatches.
		if (!parsed.ok) throw new Error(`Misconfigured: ${parsed.problems.join("; ")}`);
		if (kind === "jobs") return await consumeJobs(batch, env, parsed.config, runtime, isolate);
		const background = (work: Promise<void>) => context.waitUntil(work);
		return await dispatchDeliveries(batch, env, parsed.config, runtime, isolate, background);
	},

	async scheduled(_controller, env) {
		await sweep(env, configOf(env), runtime);
	},
} satisfies ExportedHandler<Env>;

const isolate = new Isolate();

const QUEUES = ["jobs", "deliveries", "dead-letters"] as const;

/**
 * Which of our queues this is. Names differ between installations; only their endings are fixed. An unknown queue throws, so
 * that its messages are retried instead of acked as unreadable.
 */
function kindOf(queue: string): (typeof QUEUES)[number] {
	const known = QUEUES.find((name) => queue.endsWith(`-${name}`));
	if (known !== undefined) return known;
	throw new Error(`No actor takes messages from the queue "${queue}": its name must end in -${QUEUES.join(", -")}`);
}

const configs = new WeakMap<Env, ParsedConfig>();

/** Parsed once per isolate: variables change only with a deployment. */
function configOf(env: Env): ParsedConfig {
	const known = configs.get(env);
	if (known !== undefined) return known;
	const parsed = parseConfig(env);
	configs.set(env, parsed);
	if (parsed.ok) setLogLevel(parsed.config.logLevel);
	return parsed;
}

/** Messages that a queue gave up on. Nothing is lost: their rows are in D1, where the sweeper finds them. */
function logDeadLetters(batch: MessageBatch): void {
	for (const message of batch.messages)
		logError("message.dead_lettered", { messageId: message.id, attempts: message.attempts });
	batch.ackAll();
}
