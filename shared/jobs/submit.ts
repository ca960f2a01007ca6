/** Submits jobs, from the validated request to the row in D1 and the message in the queue. */
import { isCounted, mayBeRepeat } from "../core/jobs/idempotency.ts";
import { queueDelaySeconds } from "../core/jobs/wakeups.ts";
import type { Runtime } from "../core/runtime.ts";
import { sha256Hex } from "../crypto/digest.ts";
import type { Database } from "../db/database.ts";
import {
	findSubmission,
	foreseeSubmissions,
	type NewJob,
	type Submission,
	submitJobs,
} from "../db/jobs/submit-jobs.ts";
import { retryOnLostResponse } from "../db/retry-on-lost-response.ts";
import type { JobQueue } from "../queues/queue.ts";
import { eraseObjects } from "../storage/erase-objects.ts";
import { INLINE_INPUT_BYTES_MAX, storeInput } from "../storage/inputs.ts";
import { inputKey } from "../storage/keys.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { type BuildBindings, type BuiltJob, buildJob, type Invalid, type Order } from "./build-job.ts";

/**
 * The response is sent first. It leaves after some turns of the event loop; on one thread, as in a local run, a message sent at
 * once would start the model call before that. One millisecond is enough. With three, messages of a busy service share more
 * batches; a caller who waits for the job would notice more. If the isolate ends in between, the sweeper enqueues the job.
 */
const ENQUEUE_AFTER_MS = 3;
/** Hexadecimal digits of a digest: enough that no two requests of a tenant have the same name. */
const REQUEST_LENGTH = 32;

export interface SubmitBindings extends BuildBindings {
	db: Database;
	objects: ObjectStore;
	jobQueue: JobQueue;
	runtime: Runtime;
	/** Performs a write to D1, and may measure how long it takes. */
	measure<T>(write: () => Promise<T>): Promise<T>;
	/** Runs work after the response. Its failure must not matter. */
	background(work: Promise<void>): void;
	/** Reports objects that could not be erased at once. The sweeper erases them. */
	onEraseFailed(objects: number, error: unknown): void;
}

export type Outcome = Submission | Invalid;

export async function submit(bindings: SubmitBindings, order: Order): Promise<Outcome> {
	const [outcome] = await submitAll(bindings, [order]);
	if (outcome === undefined) throw new Error("a submission has no outcome");
	return outcome;
}

/** Returns one outcome per order. They are admitted in their order, as if each had been submitted after the one before. */
export async function submitAll(bindings: SubmitBindings, orders: readonly Order[]): Promise<Outcome[]> {
	const built = await Promise.all(orders.map((order) => buildJob(bindings, order)));
	const jobs = built.flatMap((job) => ("outcome" in job ? [] : [job]));
	const submissions = await storeAll(bindings, jobs);
	return await Promise.all(
		built.map(async (job, at): Promise<Outcome> => {
			const submission = "outcome" in job ? await findEarlier(bindings, orders[at]) : submissions[jobs.indexOf(job)];
			if (submission) return submission;
			if ("outcome" in job) return job;
			throw new Error("a job has no submission");
		}),
	);
}

/**
 * A repeated request gets the outcome of the first one, even if its models, receiver or job would be refused now. Null: the
 * request is new.
 */
export async function findEarlier(
	{ db }: { db: Database },
	order: Pick<Order, "tenantId" | "idempotency"> | undefined,
) {
	const { tenantId = "", idempotency = null } = order ?? {};
	return idempotency !== null && mayBeRepeat(idempotency) ? await findSubmission(db, tenantId, idempotency) : null;
}

/** A large input is stored first, and its job may come to nothing after all. So its key and its limits are looked up before. */
async function storeAll(bindings: SubmitBindings, built: readonly BuiltJob[]): Promise<Submission[]> {
	const large = built.filter(isLarge);
	const foreseen = await retryOnLostResponse(() => foreseeSubmissions(bindings.db, large));
	const left = built.filter((job) => !foreseen[large.indexOf(job)]);
	const submissions = await storeNew(bindings, left);
	return built.flatMap((job) => foreseen[large.indexOf(job)] ?? submissions[left.indexOf(job)] ?? []);
}

async function storeNew(bindings: SubmitBindings, built: readonly BuiltJob[]): Promise<Submission[]> {
	if (built.length === 0) return [];
	const { db, background, measure } = bindings;
	const jobs = await Promise.all(built.map((job) => placeInput(bindings, job)));
	let isResponseLost = false;
	const submissions = await retryOnLostResponse((isRepeat) => {
		isResponseLost = isRepeat;
		return measure(() => submitJobs(db, jobs, isRepeat));
	});
	const created = jobs.filter((_, at) => submissions[at]?.outcome === "created");
	const ready = jobs.filter((_, at) => {
		const submission = submissions[at];
		return submission?.outcome === "created" && submission.hasSlot;
	});
	if (ready.length > 0) background(enqueueAll(bindings, ready));
	// A write with a lost response may still take effect, and its job needs the input. If another job has its key, it cannot.
	const isUnused = (at: number) => !isResponseLost || isKeyTaken(submissions[at]);
	await eraseUnused(
		bindings,
		jobs.filter((job, at) => !created.includes(job) && isUnused(at)),
	);
	return submissions;
}

function isKeyTaken(submission: Submission | undefined): boolean {
	return submission?.outcome === "replayed" || submission?.outcome === "key_reused";
}

function isLarge({ input }: BuiltJob): boolean {
	return input.byteLength > INLINE_INPUT_BYTES_MAX;
}

async function placeInput(bindings: SubmitBindings, { input, ...job }: BuiltJob): Promise<NewJob> {
	const inputBytes = input.byteLength;
	if (!isLarge({ ...job, input }))
		return { ...job, input: new TextDecoder().decode(input), inputKey: null, inputBytes };
	const key = inputKey(job, bindings.runtime.now(), await requestOf(bindings, job));
	await storeInput(bindings.objects, key, input);
	return { ...job, input: null, inputKey: key, inputBytes };
}

/** Of a request whose repeats are recognised for longer than they may be in flight. */
async function requestOf({ runtime }: SubmitBindings, { idempotency }: Pick<NewJob, "idempotency">) {
	if (idempotency === null || isCounted(idempotency)) return null;
	return (await sha256Hex(runtime, `${idempotency.key}\n${idempotency.fingerprint}`)).slice(0, REQUEST_LENGTH);
}

/** A caller at a limit must not fill R2 with inputs of jobs that were never stored. */
async function eraseUnused({ objects, onEraseFailed }: SubmitBindings, unused: readonly NewJob[]): Promise<void> {
	const keys = unused.flatMap(({ inputKey }) => inputKey ?? []);
	try {
		await eraseObjects(objects, keys);
	} catch (error) {
		onEraseFailed(keys.length, error);
	}
}

async function enqueueAll({ jobQueue, runtime }: SubmitBindings, jobs: readonly NewJob[]): Promise<void> {
	const delayed = jobs.map((job) => ({ job, delaySeconds: queueDelaySeconds(waitMsOf(job, runtime.now())) }));
	await runtime.sleep(ENQUEUE_AFTER_MS);
	await jobQueue.tryEnqueue(delayed.flatMap(({ job, delaySeconds }) => (delaySeconds === 0 ? [job] : [])));
	for (const { job, delaySeconds } of delayed) {
		if (delaySeconds !== null && delaySeconds > 0) await jobQueue.tryEnqueueLater(job, delaySeconds);
	}
}

function waitMsOf({ start }: NewJob, now: number): number {
	return "delayMs" in start ? start.delayMs : start.runAt - now;
}
