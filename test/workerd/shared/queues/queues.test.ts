import { createMessageBatch } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { DeliveryMessage, JobMessage, MessageQueue } from "../../../../shared/queues/queue.ts";
import { groupMessages } from "../../../../workers/apply-dispositions.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";
import { anId, jobOf } from "../../../support/job-of.ts";

/** A queue that keeps what it was sent; where `isBroken`, it takes nothing. */
function aQueue<Message extends object>(schema: z.ZodType<Message>, isBroken = false) {
	const calls: { body: unknown; delaySeconds?: number | undefined }[][] = [];
	const failed: number[] = [];
	const metadata = { metrics: { backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: new Date(0) } };
	const record = async (call: (typeof calls)[number]) => {
		if (isBroken) throw new Error("Queue is overloaded");
		calls.push(call);
		return { metadata };
	};
	const binding: Queue = {
		send: (body, options) => record([{ body, delaySeconds: options?.delaySeconds }]),
		sendBatch: (messages) => record([...messages].map(({ body }) => ({ body }))),
		metrics: async () => metadata.metrics,
	};
	const onSendFailed = (messages: number) => failed.push(messages);
	return { queue: new MessageQueue(binding, { timers: fakeRuntime(), schema, onSendFailed }), calls, failed };
}

describe("a queue message", () => {
	it("carries ids and no state, far below a kibibyte", async () => {
		const { queue, calls } = aQueue(JobMessage);
		const job = jobOf({ metadata: { team: "blue" } });
		await queue.tryEnqueueLater(job, 7);
		await queue.enqueue([job]);
		const body = { tenantId: job.tenantId, jobId: job.jobId };
		expect(calls).toEqual([[{ body, delaySeconds: 7 }], [{ body }]]);
		expect(JSON.stringify(body).length).toBeLessThan(200);
	});

	it("goes with up to 99 others in one call, and none make no call", async () => {
		const { queue, calls } = aQueue(DeliveryMessage);
		const keys = Array.from({ length: 250 }, () => ({ tenantId: "ten_1", deliveryId: anId("job") }));
		await queue.enqueue(keys);
		await queue.enqueue([]);
		expect(calls.map((call) => call.length)).toEqual([100, 100, 50]);
		expect(calls.flat().map(({ body }) => body)).toEqual(keys);
	});

	it("that the queue does not take is reported by tryEnqueue, and rejected by enqueue", async () => {
		const { queue, failed } = aQueue(JobMessage, true);
		const job = jobOf();
		await queue.tryEnqueue([job, job]);
		await queue.tryEnqueueLater(job, 7);
		expect(failed).toEqual([2, 1]);
		await expect(queue.enqueue([job])).rejects.toThrow("overloaded");
	});
});

describe("groupMessages", () => {
	const idOf = (key: JobMessage) => `${key.tenantId} ${key.jobId}`;

	function read(bodies: unknown[]) {
		const { messages } = createMessageBatch(
			"jobs",
			bodies.map((body, index) => ({ id: String(index), timestamp: new Date(0), attempts: 1, body })),
		);
		return groupMessages(messages, JobMessage, idOf);
	}

	it("reads several messages for one job as one key, which leads back to each of them", () => {
		const [one, other] = [
			{ tenantId: "ten_1", jobId: "job_1" },
			{ tenantId: "ten_2", jobId: "job_1" },
		] as const;
		const grouped = read([one, other, one]);
		expect(grouped.keys).toEqual([one, other]);
		expect(grouped.messagesFor(one).map(({ id }) => id)).toEqual(["0", "2"]);
		expect(grouped.messagesFor(other).map(({ id }) => id)).toEqual(["1"]);
		expect(grouped.messagesFor({ tenantId: "ten_3", jobId: "job_1" })).toEqual([]);
	});

	it("sets apart what it cannot read, and reads the rest", () => {
		const grouped = read([
			null,
			"job_1",
			{},
			{ jobId: "job_1" },
			{ tenantId: 1, jobId: "job_1" },
			{ tenantId: "t", jobId: "j" },
		]);
		expect(grouped.keys).toEqual([{ tenantId: "t", jobId: "j" }]);
		expect(grouped.unreadable.map(({ id }) => id)).toEqual(["0", "1", "2", "3", "4"]);
	});
});
