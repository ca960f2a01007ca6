/**
 * The same work as a Cloudflare Workflow, after its documentation: a step each for the model, the result and the webhook,
 * retried by the platform. No signatures, no keys, no validation, no idempotent submission, no list, no cancellation.
 */
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";
import { askModel, postWebhook } from "../upstream-calls.ts";

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
		const answer = await step.do("ask the model", MODEL_RETRIES, () => askModel(this.env.MODEL_URL, payload.input));
		await step.do("store the result", async () => {
			await this.env.RESULTS.put(key, answer);
		});
		await step.do("post the webhook", WEBHOOK_RETRIES, async () => {
			await postWebhook(payload.webhook.url, { id: instanceId, status: "succeeded", result: JSON.parse(answer) });
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
