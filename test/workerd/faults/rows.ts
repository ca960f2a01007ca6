/** What a story may find in D1 and R2 when it begins: left behind by others, long before. */
import { env } from "cloudflare:workers";
import { credentialFor } from "../../../shared/core/upstreams/credentials.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { aJob, anAttempt, MINUTE, type StoredJob, SUCCEEDED, WEBHOOK } from "../support/a-job.ts";
import { RECEIVER } from "../world/upstreams.ts";
import { ATTEMPT_SECONDS } from "../world/world.ts";
import { CONFIG } from "./config.ts";
import type { Expected, Story } from "./story.ts";

const MODEL = "gateway/one";
export const CREDENTIAL = credentialFor(CONFIG.modelRoutes, MODEL) ?? "";

type What = Pick<Expected, "prompt" | "bought"> & Partial<Expected> & { row?: Partial<StoredJob> };

/** A job of the tenant's, submitted ten minutes ago. */
export async function anOldJob(story: Story, { row, ...expected }: What): Promise<StoredJob> {
	const { prompt, hasWebhook = false } = expected;
	const job = await aJob({
		tenantId: story.tenantId,
		createdAt: story.world.startedAt - 10 * MINUTE,
		models: [MODEL],
		credential: CREDENTIAL,
		timeoutMs: ATTEMPT_SECONDS * 1000,
		...(row?.inputKey ? {} : { input: JSON.stringify({ messages: [{ role: "user", content: prompt }] }) }),
		webhook: hasWebhook ? { ...WEBHOOK, url: RECEIVER } : null,
		...row,
	});
	story.expect({ ...job, hasWebhook, status: "succeeded", ...expected });
	return job;
}

/** From now on the tenant may have so many running at a time. */
export async function limit(
	{ tenantId }: Story,
	what: "open_jobs" | "running_jobs" | "webhook_endpoints",
	most: number,
): Promise<void> {
	await env.DB.prepare("UPDATE tenants SET limits = json_set(limits, '$.' || ?2, ?3) WHERE id = ?1")
		.bind(tenantId, what, most)
		.run();
}

/** Its holder is gone, and its lease is over. */
export async function aRunningJob(story: Story, what: What): Promise<StoredJob> {
	return await anOldJob(story, { ...what, row: { status: "running", ...what.row } });
}

/** It has a webhook, unless the test says otherwise. */
export async function aSucceededJob(
	story: Story,
	prompt: string,
	{ row: given, ...expected }: Partial<What> = {},
): Promise<StoredJob> {
	const text = aCompletion(`${prompt} #0`);
	const row = { status: "succeeded", resultBytes: text.length, ...given } as const;
	const job = await anOldJob(story, { prompt, bought: 0, hasWebhook: true, row, ...expected });
	await env.RESULTS.put(resultKey(job), text);
	return job;
}

/** What R2 holds after the call of the job's last lease succeeded: text and options of a put. */
export function aResultOf(job: StoredJob, prompt: string): [string, R2PutOptions] {
	const at = job.leasedAt ?? 0;
	const its = { fence: job.fence, model: job.model, provider: "workers-ai", startedAt: at, endedAt: at };
	const attempt = JSON.stringify(anAttempt(1, { ...its, ...SUCCEEDED }));
	const customMetadata = { attempt, modelAttempt: String(job.attempt) };
	return [aCompletion(`${prompt} #0`), { customMetadata }];
}

/** The job's former holder stores its result, once. */
export function lateResult(job: StoredJob, prompt: string): () => Promise<void> {
	return async () => {
		const [text, options] = aResultOf(job, prompt);
		await env.RESULTS.put(resultKey(job), text, { ...options, onlyIf: { etagDoesNotMatch: "*" } });
	};
}

function aCompletion(content: string): string {
	const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
	return JSON.stringify({ id: "chatcmpl-1", object: "chat.completion", created: 0, model: "test/a", choices });
}
