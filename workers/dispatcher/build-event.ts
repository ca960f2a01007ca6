/** The body of a webhook: the event, with the job as a poll shows it now. */

import { type JobBody, viewJob } from "../../shared/api/job.ts";
import { timestamp } from "../../shared/api/time.ts";
import type { JobSummary } from "../../shared/core/jobs/job.ts";
import type { Delivery } from "../../shared/core/webhooks/delivery.ts";
import { signedResultUrl } from "../../shared/crypto/result-link.ts";
import { INLINE_RESULT_BYTES_MAX } from "../../shared/storage/fresh-results.ts";
import { readResult } from "../../shared/storage/results.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** Null: the event's job is gone. */
export async function buildEvent(
	dispatcher: Dispatcher,
	delivery: Delivery,
	job: JobSummary | null,
): Promise<string | null> {
	const data = delivery.event ?? (job === null ? null : await jobData(dispatcher, delivery, job));
	if (data === null) return null;
	const happenedAt = (delivery.eventType === "job.started" ? job?.startedAt : job?.finishedAt) ?? delivery.createdAt;
	return JSON.stringify({
		id: delivery.eventId,
		object: "event",
		type: delivery.eventType,
		created_at: Math.floor(happenedAt / 1000),
		timestamp: timestamp(happenedAt),
		data,
	});
}

async function jobData(dispatcher: Dispatcher, { payload }: Delivery, job: JobSummary) {
	return payload === "thin" ? { id: job.jobId, object: "job", status: job.status } : await fullJob(dispatcher, job);
}

async function fullJob(dispatcher: Dispatcher, job: JobSummary): Promise<JobBody & { result: unknown }> {
	const { config, runtime } = dispatcher;
	const origin = config.publicUrl ?? job.origin;
	const view = viewJob(job, origin, config.modelPrices);
	if (job.status !== "succeeded") return { ...view, result: null };
	const [signingKey = ""] = config.signingKeys;
	const expiresAt = runtime.now() + config.resultLinkMs;
	return {
		...view,
		result_url: await signedResultUrl(runtime, signingKey, origin, job, expiresAt),
		result: await inlineResult(dispatcher, job),
	};
}

/** Null for a large result. Rejects if R2 fails: a late webhook is better than one without the result. */
async function inlineResult({ objects, freshResults }: Dispatcher, job: JobSummary): Promise<unknown> {
	if (job.resultBytes === null || job.resultBytes > INLINE_RESULT_BYTES_MAX) return null;
	const text = freshResults.take(job) ?? (await readResult(objects, job));
	return text === null ? null : JSON.parse(text);
}
