import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import worker from "../../workers/index.ts";
import { aJob, reload, type StoredJob } from "./support/a-job.ts";
import { handToQueue } from "./support/queue-handler.ts";

const message = ({ tenantId, jobId }: StoredJob) => ({ tenantId, jobId });

describe("a queue", () => {
	it.each(["holdfast-jobs", "holdfast-staging-jobs"])("named %s is the consumer's", async (queue) => {
		const job = await aJob({ createdAt: Date.now() });
		expect(await handToQueue(queue, [message(job)])).toMatchObject({ outcome: "ok", acked: ["0"] });
		expect(await reload(job)).toMatchObject({ status: "succeeded" });
	});

	it("is known by the end of its name for deliveries and dead letters, too", async () => {
		expect(await handToQueue("holdfast-staging-deliveries", ["nonsense"])).toMatchObject({ acked: ["0"] });
		expect(await handToQueue("holdfast-staging-dead-letters", ["nonsense"])).toMatchObject({ ackAll: true });
	});

	it.each(["jobs-staging", "holdfast-reports", ""])("named %j is no actor's: nothing of it is acked", async (queue) => {
		const job = await aJob({ createdAt: Date.now() });
		const messages = [message(job), "nonsense"].map((body, at) => ({
			id: `${at}`,
			timestamp: new Date(),
			body,
			attempts: 1,
		}));
		const [batch, context] = [createMessageBatch(queue, messages), createExecutionContext()];
		await expect(worker.queue(batch, env, context)).rejects.toThrow("No actor takes messages");
		expect(await getQueueResult(batch, context)).toMatchObject({ ackAll: false, explicitAcks: [] });
		expect(await reload(job)).toEqual(job);
	});
});
