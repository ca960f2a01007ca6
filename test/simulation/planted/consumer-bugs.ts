// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In the consumer and the dispatcher: what is looked at, stored, written and acked, and in which order. */
import type { PlantedBug } from "./bugs.ts";

export const CONSUMER_BUGS: readonly PlantedBug[] = [
	{
		name: "the last word of an early message is an ack",
		file: "workers/consumer/run-batch.ts",
		find: 'tell(miss, delaySeconds === null ? ACK : { kind: "retry", delaySeconds });',
		replace: "tell(miss, delaySeconds === null ? ACK : ACK);",
	},
	{
		name: "a message is acked before its job is settled",
		file: "workers/consumer/run-batch.ts",
		find: "\tconst attempts = jobs.map(async (job) => {\n",
		replace: "\tconst attempts = jobs.map(async (job) => {\n\t\ttell(job, ACK);\n",
	},
	{
		name: "a new holder does not look for an earlier answer",
		file: "workers/consumer/read-storage.ts",
		find: "if (job.lease === 1) return null;",
		replace: "if (job.lease >= 1) return null;",
	},
	{
		name: "an R2 error means that there is no answer",
		file: "workers/consumer/read-storage.ts",
		find: 'logTrouble("result.not_looked_up", { jobId: job.jobId }, error);\n\t\treturn "unknown";',
		replace: 'logTrouble("result.not_looked_up", { jobId: job.jobId }, error);\n\t\treturn null;',
	},
	{
		name: "the row says so before the result is stored",
		file: "workers/consumer/run-attempt.ts",
		find: "const result = await storeWhileHeld(",
		replace: `await settleAnswer(consumer, lease, { attempt: own, modelAttempt: job.attempt, bytes: body.byteLength }, withAttempt(job.attempts, own));
	const result = await storeWhileHeld(`,
	},
	{
		name: "the last answer wins",
		file: "shared/results/object-store.ts",
		find: ', onlyIf: { etagDoesNotMatch: "*" } };',
		replace: " };",
	},
	{
		name: "an answer whose settlement is unknown is acked",
		file: "workers/consumer/settle.ts",
		find: 'report(lease, end.status, end.reason ?? null, written);\n\tif (written === "unknown") return afterLease(consumer);',
		replace: "report(lease, end.status, end.reason ?? null, written);",
	},
	{
		name: "the deadline is ignored before a call",
		file: "shared/core/decide.ts",
		find: 'if (now >= job.deadlineAt) return "expired";',
		replace: "",
	},
	{
		name: "a call may take as long as it likes",
		file: "workers/consumer/run-attempt.ts",
		find: "timeoutMs: Math.max(0, Math.min(timeoutMs, deadlineAt - lease.now())),",
		replace: "timeoutMs: Math.max(timeoutMs, deadlineAt - lease.now()),",
	},
	{
		name: "a job may be attempted once more than it may",
		file: "shared/core/decide.ts",
		find: "usesAttempt(failure) && job.attempt >= job.maxAttempts",
		replace: "usesAttempt(failure) && job.attempt > job.maxAttempts",
	},
	{
		name: "a job that kills its holders is called for ever",
		file: "shared/core/decide.ts",
		find: 'if (job.attempt > job.maxAttempts) return "poisoned";',
		replace: "",
	},
	{
		name: "holders have no heartbeat",
		file: "workers/consumer/watch-leases.ts",
		find: "const isHeartbeat = runtime.now() >= heartbeatAt;",
		replace: "const isHeartbeat = runtime.now() < 0;",
	},
	{
		name: "a cancelled call goes on",
		file: "workers/consumer/watch-leases.ts",
		find: 'controller.abort(new Error("the lease is no longer ours"));',
		replace: "asked.length;",
	},
	{
		name: "a webhook that nobody took is delivered",
		file: "shared/core/delivery-schedule.ts",
		find: "result.status >= 200 && result.status < 300",
		replace: "result.status >= 200",
	},
	{
		name: "a webhook is given up one attempt too soon",
		file: "shared/core/delivery-schedule.ts",
		find: "scheduleMs[attempt];",
		replace: "scheduleMs[attempt + 1];",
	},
	{
		name: "an early webhook's message is acked",
		file: "workers/dispatcher/dispatch-batch.ts",
		find: "if (waitMs > 0) return later(waitMs);",
		replace: "if (waitMs > 0) return ACK;",
	},
	{
		name: "each attempt at a webhook has an id of its own",
		file: "workers/dispatcher/deliver.ts",
		find: "signedHeaders(secrets, delivery.eventId, attemptAt, body)",
		replace: "signedHeaders(secrets, `${delivery.eventId}-${delivery.attemptsMade}`, attemptAt, body)",
	},
];
