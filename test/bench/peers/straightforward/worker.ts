/**
 * The same work as one writes it first: a row, a message, a consumer that calls the model, puts the result, updates the
 * row and sends a message to the poster of the webhook. No leases, no fence, no sweeper, no signatures, no keys, no
 * validation, no history: a crash in the middle calls the model again, and a message that is lost is a job that is lost.
 */
import { askModel, postWebhook } from "../upstream-calls.ts";

interface StraightforwardEnv {
	DB: D1Database;
	RESULTS: R2Bucket;
	JOB_QUEUE: Queue<{ id: string }>;
	DELIVERY_QUEUE: Queue<{ id: string }>;
	MODEL_URL: string;
}

interface Submission {
	input: object;
	webhook: { url: string };
}

export default {
	async fetch(request: Request, env: StraightforwardEnv): Promise<Response> {
		const { pathname } = new URL(request.url);
		if (request.method === "GET") return await poll(env, pathname.slice("/jobs/".length));
		return await submit(env, request);
	},

	async queue(batch: MessageBatch, env: StraightforwardEnv): Promise<void> {
		const handle = batch.queue === "jobs" ? runJob : deliver;
		await Promise.all(
			batch.messages.map(async (message) => {
				try {
					await handle(env, Object(message.body).id);
					message.ack();
				} catch (error) {
					console.error(String(error));
					message.retry();
				}
			}),
		);
	},
};

async function submit({ DB, JOB_QUEUE }: StraightforwardEnv, request: Request): Promise<Response> {
	const { input, webhook } = await request.json<Submission>();
	const id = crypto.randomUUID();
	await DB.prepare(
		"INSERT INTO jobs (id, status, input, webhook_url, created_at, updated_at) VALUES (?1, 'queued', ?2, ?3, ?4, ?4)",
	)
		.bind(id, JSON.stringify(input), webhook.url, Date.now())
		.run();
	await JOB_QUEUE.send({ id });
	return Response.json({ id, status: "queued" }, { status: 202 });
}

async function poll({ DB }: StraightforwardEnv, id: string): Promise<Response> {
	const { results } = await DB.prepare("SELECT id, status, result_key, error FROM jobs WHERE id = ?1").bind(id).all();
	return results[0] === undefined ? new Response(null, { status: 404 }) : Response.json(results[0]);
}

async function runJob(env: StraightforwardEnv, id: string): Promise<void> {
	const { DB, RESULTS, DELIVERY_QUEUE } = env;
	const { results } = await DB.prepare("SELECT input, webhook_url FROM jobs WHERE id = ?1")
		.bind(id)
		.all<{ input: string; webhook_url: string }>();
	const [job] = results;
	if (job === undefined) return;
	await setStatus(env, "jobs", id, "running");
	const answer = await askModel(env.MODEL_URL, JSON.parse(job.input));
	await RESULTS.put(`results/${id}`, answer);
	await DB.prepare("UPDATE jobs SET status = 'succeeded', result_key = ?2, updated_at = ?3 WHERE id = ?1")
		.bind(id, `results/${id}`, Date.now())
		.run();
	const deliveryId = crypto.randomUUID();
	await DB.prepare(
		"INSERT INTO deliveries (id, job_id, url, status, created_at, updated_at) VALUES (?1, ?2, ?3, 'pending', ?4, ?4)",
	)
		.bind(deliveryId, id, job.webhook_url, Date.now())
		.run();
	await DELIVERY_QUEUE.send({ id: deliveryId });
}

async function deliver(env: StraightforwardEnv, id: string): Promise<void> {
	const { results } = await env.DB.prepare(
		`SELECT deliveries.url, jobs.id, jobs.status, jobs.result_key
		   FROM deliveries JOIN jobs ON jobs.id = deliveries.job_id WHERE deliveries.id = ?1`,
	)
		.bind(id)
		.all<{ url: string; id: string; status: string; result_key: string }>();
	const [delivery] = results;
	if (delivery === undefined) return;
	const result = await (await env.RESULTS.get(delivery.result_key))?.json();
	await postWebhook(delivery.url, { id: delivery.id, status: delivery.status, result });
	await setStatus(env, "deliveries", id, "delivered");
}

async function setStatus({ DB }: StraightforwardEnv, table: "jobs" | "deliveries", id: string, status: string) {
	await DB.prepare(`UPDATE ${table} SET status = ?2, updated_at = ?3 WHERE id = ?1`).bind(id, status, Date.now()).run();
}
