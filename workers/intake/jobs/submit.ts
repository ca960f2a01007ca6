/** Takes a validated submission, new or repeated from an older job, all the way to the 202. */
import type { Context } from "hono";
import { viewJob } from "../../../shared/api/job.ts";
import type { JobRequest } from "../../../shared/api/submit-job.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import { type Idempotency, mayBeRepeat } from "../../../shared/core/jobs/idempotency.ts";
import type { WebhookTarget } from "../../../shared/core/jobs/job.ts";
import { queueDelaySeconds } from "../../../shared/core/jobs/wakeups.ts";
import { credentialFor } from "../../../shared/core/upstreams/credentials.ts";
import { isKeyInUse } from "../../../shared/db/jobs/find-idempotency-key.ts";
import { type NewJob, type Submission, submitAgain, submitJob } from "../../../shared/db/jobs/submit-job.ts";
import { retryOnLostResponse } from "../../../shared/db/retry-on-lost-response.ts";
import { INLINE_INPUT_BYTES_MAX, storeInput } from "../../../shared/storage/inputs.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { originOf, retryAfterSeconds } from "../http/headers.ts";
import { readWait, waitUntilFinal } from "../http/wait.ts";
import type { IntakeEnv, Services } from "../services.ts";
import { acceptReceiver } from "../webhooks/accept-receiver.ts";
import { readIdempotency } from "./idempotency.ts";
import { overLimit } from "./over-limit.ts";

const RUN_AHEAD_MS_MAX = 30 * 24 * 3_600_000;
/**
 * The answer goes first. Its way out takes some turns of the event loop, and where one thread does everything, as locally,
 * a ring at once has the model asked before the caller has the answer. One millisecond does for that; with three, redispatches of
 * a busy service come in fewer batches. More would be felt by who waits for the job. An isolate that ends before it redispatches
 * costs what any lost message does: a sweep.
 */
const ENQUEUE_AFTER_MS = 3;

/** What to run: the request as validated, the input as the caller wrote it, and the job that it repeats. */
interface Order {
	request: JobRequest;
	input: string;
	retryOf: string | null;
}

/** Answers 202, or 200 where the caller waits and the job ends in time. */
export async function submit(c: Context<IntakeEnv>, order: Order) {
	const { services } = c.env;
	const { caller } = c.var;
	const waitMs = readWait(c);
	const origin = originOf(c);
	const newJob = await toNewJob(c, order);
	const submission = await submitWithRetry(services, newJob);
	if (submission.outcome === "key_reused") {
		throw new AppError("idempotency_key_reused", "This Idempotency-Key came before with another request.");
	}
	if (submission.outcome === "erased") {
		throw new AppError("job_erased", "The job of this Idempotency-Key has been erased; it is not run again.");
	}
	// Of a key that another isolate still knows.
	if (submission.outcome === "deleted") throw new AppError("unauthorized", "This API key is not valid.");
	if (submission.outcome === "refused") throw overLimit(submission);
	// A job without a slot is rung for when another of its tenant's gives one back.
	const isWaiting = submission.outcome === "created" && submission.job.statusReason === "running_limit";
	if (submission.outcome === "created" && !isWaiting) services.background(ring(services, newJob));
	if (submission.outcome === "replayed") c.header("idempotent-replayed", "true");

	const key = { tenantId: caller.tenantId, jobId: submission.job.jobId };
	const job = waitMs === null ? submission.job : await waitUntilFinal(c, submission.job, key, waitMs);
	c.header("location", `/v1/jobs/${job.jobId}`);
	if (job.finishedAt === null) c.header("retry-after", String(retryAfterSeconds(job, services.runtime.now())));
	return c.json(viewJob(job, origin), job.finishedAt === null || waitMs === null ? 202 : 200);
}

/** Both calls carry the same id, under which the job is stored once. */
async function submitWithRetry({ db }: Services, job: NewJob): Promise<Submission> {
	return await retryOnLostResponse((isRepeat) => {
		if (isRepeat) return submitAgain(db, job);
		return submitJob(db, job);
	});
}

async function ring({ jobQueue, runtime }: Services, job: NewJob): Promise<void> {
	const waitMs = "delayMs" in job.start ? job.start.delayMs : job.start.runAt - runtime.now();
	const delaySeconds = queueDelaySeconds(waitMs);
	if (delaySeconds === null) return;
	await runtime.sleep(ENQUEUE_AFTER_MS);
	await jobQueue.tryEnqueueLater(job, delaySeconds);
}

async function toNewJob(c: Context<IntakeEnv>, { request, input, retryOf }: Order): Promise<NewJob> {
	const { services } = c.env;
	const { caller } = c.var;
	const { runtime } = services;
	const jobKey = { tenantId: caller.tenantId, jobId: newId("job", runtime) };
	const idempotency = await readIdempotency(c);
	const checked = {
		...modelsOf(services, request),
		start: startOf(services, request),
		webhook: await webhookOf(c, request, idempotency),
		idempotency,
	};
	const inputBytes = new TextEncoder().encode(input).byteLength;
	const isLarge = inputBytes > INLINE_INPUT_BYTES_MAX;
	const { gateway } = request;
	return {
		...jobKey,
		...checked,
		input: isLarge ? null : input,
		inputKey: isLarge ? await storeInput(services.objects, jobKey, input, runtime.now()) : null,
		inputBytes,
		gateway:
			gateway === undefined
				? null
				: { cacheTtlSeconds: gateway.cache_ttl ?? null, skipCache: gateway.skip_cache ?? null },
		metadata: request.metadata ?? null,
		priority: request.priority ?? 5,
		timeoutMs: toMs(request.timeout_seconds ?? 600),
		maxAttempts: request.max_attempts ?? 5,
		retainMs: toMs(request.retain_seconds ?? 2_592_000),
		deadlineMs: toMs(request.deadline_seconds ?? 86_400),
		retryOf,
		...(retryOf === null ? {} : { retriedBy: callerAsActor(c) }),
		origin: originOf(c),
	};
}

/** Fractions of a second are welcome, those of a millisecond are not kept. */
function toMs(seconds: number): number {
	return Math.round(seconds * 1000);
}

function modelsOf({ config }: Services, { model }: JobRequest): Pick<NewJob, "models" | "credential"> {
	const [first = config.defaultModel, ...rest] = typeof model === "string" ? [model] : (model ?? []);
	const models: [string, ...string[]] = [first, ...rest];
	const credentials = models.map((name, at) => {
		const param = Array.isArray(model) ? `model.${at}` : "model";
		const credential = credentialFor(config.modelRoutes, name);
		if (credential === null) {
			throw new AppError("invalid_request", `No route serves the model ${JSON.stringify(name)}.`, param);
		}
		if (models.indexOf(name) !== at) throw new AppError("invalid_request", "A model stands twice in the list.", param);
		return credential;
	});
	return { models, credential: credentials[0] ?? "" };
}

/** A repeated request gets its first answer, whatever has become of the receiver's name since. */
async function webhookOf(
	c: Context<IntakeEnv>,
	{ webhook }: JobRequest,
	idempotency: Idempotency | null,
): Promise<WebhookTarget | null> {
	if (webhook === undefined) return null;
	const { services } = c.env;
	const { caller } = c.var;
	const isRepeat = async () =>
		idempotency !== null &&
		mayBeRepeat(idempotency) &&
		(await isKeyInUse(services.db, caller.tenantId, idempotency.key));
	const url = await acceptReceiver(c, webhook.url, "webhook.url", isRepeat);
	return { url, events: webhook.events ?? null, payload: webhook.payload };
}

function startOf({ runtime }: Services, request: JobRequest): NewJob["start"] {
	if (request.run_at === undefined) return { delayMs: toMs(request.delay_seconds ?? 0) };
	if (request.delay_seconds !== undefined) {
		throw new AppError("invalid_request", "Give either `run_at` or `delay_seconds`.", "delay_seconds");
	}
	const runAt = Date.parse(request.run_at);
	if (runAt > runtime.now() + RUN_AHEAD_MS_MAX) {
		throw new AppError("invalid_request", "Must be at most 30 days ahead.", "run_at");
	}
	return { runAt };
}
