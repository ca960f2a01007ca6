/**
 * The same work as one writes it with BullMQ, after its documentation: a flow of two jobs, one that asks the model and, once
 * that has returned, one that posts the webhook. Redis keeps both and the result. BullMQ brings the retries, and locks by
 * which another worker takes over a job whose worker has died. No signatures, no keys, no validation, no idempotent
 * submission, no history, no list, no cancellation, and no webhook for a job that failed.
 */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { textOf } from "../../../support/read-body.ts";
import { askModel, postWebhook } from "../upstream-calls.ts";
import type { Bullmq, Connection, Flow, QueuedJob } from "./packages.ts";

interface Submission {
	input: object;
	webhook: { url: string };
}

/** Of either worker: as many as the Workers' queues hand over in one batch. */
const CONCURRENCY = 100;
/** In seconds. Without it Redis would keep every job for ever. */
const KEPT = { removeOnComplete: { age: 86_400 }, removeOnFail: { age: 86_400 } };
const MODEL_RETRIES = { attempts: 6, backoff: { type: "exponential", delay: 2_000, jitter: 0.5 } };
const WEBHOOK_RETRIES = { attempts: 10, backoff: { type: "exponential", delay: 5_000, jitter: 0.5 } };

const UNFINISHED = ["waiting", "active", "delayed", "prioritized", "waiting-children"];

/** The workers run from now on; what is returned answers callers. */
export function openService(
	{ Queue, Worker, FlowProducer }: Bullmq,
	{ connection, modelUrl }: { connection: Connection; modelUrl: string },
): RequestListener {
	const jobs = new Queue("jobs", { connection });
	const deliveries = new Queue("deliveries", { connection });
	const flows = new FlowProducer({ connection });
	const options = { connection, concurrency: CONCURRENCY };
	const workers = [
		new Worker<Submission["input"]>("jobs", async ({ data }) => JSON.parse(await askModel(modelUrl, data)), options),
		new Worker<Submission["webhook"]>("deliveries", deliver, options),
	];
	for (const worker of workers)
		worker
			.on("error", (error) => console.error(String(error)))
			.on("failed", (_, error) => console.error(String(error)));

	const answer = async (request: IncomingMessage, response: ServerResponse) => {
		const path = request.url ?? "";
		if (request.method === "POST") {
			const id = randomUUID();
			await flows.add(flowOf(id, JSON.parse((await textOf(request)) ?? "")));
			return reply(response, 202, { id, status: "queued" });
		}
		if (path === "/unfinished") {
			const counts = [jobs, deliveries].map((queue) => queue.getJobCountByTypes(...UNFINISHED));
			return reply(response, 200, { unfinished: (await Promise.all(counts)).reduce((sum, count) => sum + count, 0) });
		}
		const job = await jobs.getJob(path.slice("/jobs/".length));
		if (job === undefined) return reply(response, 404, {});
		return reply(response, 200, { id: job.id, status: await job.getState(), result: job.returnvalue });
	};
	return (request, response) => void answer(request, response).catch((error) => fail(response, error));
}

/** Redis takes both jobs or neither, and gives out the webhook's in the same step in which it stores the model's answer. */
function flowOf(id: string, { input, webhook }: Submission): Flow {
	const asking = { jobId: id, failParentOnFailure: true, ...MODEL_RETRIES, ...KEPT };
	return {
		name: "deliver",
		queueName: "deliveries",
		data: webhook,
		opts: { jobId: id, ...WEBHOOK_RETRIES, ...KEPT },
		children: [{ name: "ask", queueName: "jobs", data: input, opts: asking }],
	};
}

async function deliver(job: QueuedJob<Submission["webhook"]>): Promise<void> {
	const [result] = Object.values(await job.getChildrenValues());
	await postWebhook(job.data.url, { ...(job.id !== undefined && { id: job.id }), status: "succeeded", result });
}

function reply(response: ServerResponse, status: number, body: object): void {
	response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function fail(response: ServerResponse, error: unknown): void {
	console.error(error);
	reply(response, 500, { error: String(error) });
}
