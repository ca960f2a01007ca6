/** The body of a webhook: the event, with the job as a poll would show it now. */
import type { Job } from "../../shared/core/job.ts";
import { type JobView, timestamp, viewJob } from "../../shared/core/job-view.ts";
import type { OwedDelivery } from "../../shared/db/find-deliveries.ts";
import { readResult } from "../../shared/results/store-result.ts";
import { signedResultUrl } from "../../shared/webhooks/result-link.ts";
import type { Dispatcher } from "./dispatch-batch.ts";

/** Larger results are fetched by their link: Standard Webhooks advises bodies of some 20 kB at most. */
const INLINE_RESULT_BYTES_MAX = 16_384;

export async function buildEvent(dispatcher: Dispatcher, { delivery, job }: OwedDelivery): Promise<string> {
	const happenedAt = job.finishedAt ?? delivery.createdAt;
	return JSON.stringify({
		id: delivery.eventId,
		object: "event",
		type: delivery.eventType,
		created_at: Math.floor(happenedAt / 1000),
		timestamp: timestamp(happenedAt),
		data: delivery.payload === "thin" ? thin(job) : await full(dispatcher, job),
	});
}

function thin(job: Job) {
	return { id: job.jobId, object: "job", status: job.status };
}

async function full(dispatcher: Dispatcher, job: Job): Promise<JobView & { result: unknown }> {
	const { config, runtime } = dispatcher;
	const origin = config.publicUrl ?? job.origin;
	const view = viewJob(job, origin);
	if (job.status !== "succeeded") return { ...view, result: null };
	const [signingKey = ""] = config.signingKeys;
	const expiresAt = runtime.now() + config.resultLinkMs;
	return {
		...view,
		result_url: await signedResultUrl(runtime, signingKey, origin, job, expiresAt),
		result: await inlineResult(dispatcher, job),
	};
}

/** Null for a large one. An R2 error rejects: told later is better than told without what the caller asked for. */
async function inlineResult({ objects }: Dispatcher, job: Job): Promise<unknown> {
	if (job.resultBytes === null || job.resultBytes > INLINE_RESULT_BYTES_MAX) return null;
	const text = await readResult(objects, job);
	return text === null ? null : JSON.parse(text);
}
