/**
 * The same work as a Cloudflare Workflow, after its documentation: a step each for the model, the result and the webhook,
 * retried by the platform. No signatures, no keys, no validation, no idempotent submission, no list, no cancellation.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

export interface WorkflowsEnv {
	JOBS: Workflow<Submission>;
	RESULTS: R2Bucket;
	MODEL_URL: string;
}

interface Submission {
	input: object;
	webhook: { url: string };
}

const MODEL_RETRIES = {
	retries: { limit: 5, delay: "2 seconds", backoff: "exponential" },
	timeout: "10 minutes",
} as const;
const WEBHOOK_RETRIES = {
	retries: { limit: 9, delay: "5 seconds", backoff: "exponential" },
	timeout: "20 seconds",
} as const;

export class JobWorkflow extends WorkflowEntrypoint<WorkflowsEnv, Submission> {
	override async run({ payload, instanceId }: Readonly<WorkflowEvent<Submission>>, step: WorkflowStep) {
		const key = `results/${instanceId}`;
		const answer = await step.do("ask the model", MODEL_RETRIES, () => askModel(this.env, payload.input));
		await step.do("store the result", async () => {
			await this.env.RESULTS.put(key, answer);
		});
		await step.do("post the webhook", WEBHOOK_RETRIES, async () => {
			const data = { id: instanceId, status: "succeeded", result: JSON.parse(answer) };
			const reply = await fetch(payload.webhook.url, {
				method: "POST",
				headers: { "content-type": "application/json" },
				body: JSON.stringify({ type: "job.succeeded", data }),
			});
			await reply.body?.cancel();
			if (!reply.ok) throw new Error(`the receiver answered ${reply.status}`);
		});
		return { result_key: key };
	}
}

export default {
	async fetch(request: Request, { JOBS }: WorkflowsEnv): Promise<Response> {
		const { pathname } = new URL(request.url);
		if (request.method === "GET") {
			const instance = await JOBS.get(pathname.slice("/jobs/".length));
			return Response.json({ id: instance.id, ...(await instance.status()) });
		}
		const { id } = await JOBS.create({ params: await request.json<Submission>() });
		return Response.json({ id, status: "queued" }, { status: 202 });
	},
};

async function askModel({ MODEL_URL }: WorkflowsEnv, input: object): Promise<string> {
	const answer = await fetch(`${MODEL_URL}/chat/completions`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ model: "bench/model", ...input }),
	});
	if (!answer.ok) throw new Error(`the model answered ${answer.status}`);
	return await answer.text();
}
