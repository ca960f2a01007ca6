import { createMessageBatch } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { groupMessages } from "../../../../shared/queues/messages.ts";
import { DeliveryMessage, JobMessage, MessageQueue } from "../../../../shared/queues/queue.ts";
import { fakeRuntime } from "../../../support/fake-runtime.ts";
import { anId, jobOf } from "../../support/a-job.ts";

/** A queue that keeps what it was told. */
function aQueue() {
	const calls: { body: unknown; delaySeconds?: number | undefined }[][] = [];
	const metadata = { metrics: { backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: new Date(0) } };
	const queue: Queue = {
		send: async (body, options) => {
			calls.push([{ body, delaySeconds: options?.delaySeconds }]);
			return { metadata };
		},
		sendBatch: async (messages) => {
			calls.push([...messages].map(({ body }) => ({ body })));
			return { metadata };
		},
		metrics: async () => metadata.metrics,
	};
	return { queue, calls };
}

describe("a doorbell", () => {
	it("carries ids and no state, far below a kibibyte", async () => {
		const { queue, calls } = aQueue();
		const job = jobOf({ metadata: { team: "blue" } });
		const bell = new MessageQueue(queue, fakeRuntime(), JobMessage);
		await bell.enqueueLater(job, 7);
		await bell.enqueue([job]);
		const body = { tenantId: job.tenantId, jobId: job.jobId };
		expect(calls).toEqual([[{ body, delaySeconds: 7 }], [{ body }]]);
		expect(JSON.stringify(body).length).toBeLessThan(200);
	});

	it("redispatches for any number, a hundred a call, and makes no call for none", async () => {
		const { queue, calls } = aQueue();
		const keys = Array.from({ length: 250 }, () => ({ tenantId: "ten_1", deliveryId: anId("job") }));
		const bell = new MessageQueue(queue, fakeRuntime(), DeliveryMessage);
		await bell.enqueue(keys);
		await bell.enqueue([]);
		expect(calls.map((call) => call.length)).toEqual([100, 100, 50]);
		expect(calls.flat().map(({ body }) => body)).toEqual(keys);
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

	it("takes several messages for one job as one ring, each of which gets its answer", () => {
		const [one, other] = [
			{ tenantId: "ten_1", jobId: "job_1" },
			{ tenantId: "ten_2", jobId: "job_1" },
		] as const;
		const bells = read([one, other, one]);
		expect(bells.keys).toEqual([one, other]);
		expect(bells.messagesFor(one).map(({ id }) => id)).toEqual(["0", "2"]);
		expect(bells.messagesFor(other).map(({ id }) => id)).toEqual(["1"]);
		expect(bells.messagesFor({ tenantId: "ten_3", jobId: "job_1" })).toEqual([]);
	});

	it("sets apart what it cannot read, and reads the rest", () => {
		const bells = read([
			null,
			"job_1",
			{},
			{ jobId: "job_1" },
			{ tenantId: 1, jobId: "job_1" },
			{ tenantId: "t", jobId: "j" },
		]);
		expect(bells.keys).toEqual([{ tenantId: "t", jobId: "j" }]);
		expect(bells.unreadable.map(({ id }) => id)).toEqual(["0", "1", "2", "3", "4"]);
	});
});
