/** Submits jobs, from the validated request to the row in D1 and the message in the queue. */
import { mayBeRepeat } from "../core/jobs/idempotency.ts";
import { queueDelaySeconds } from "../core/jobs/wakeups.ts";
import type { Runtime } from "../core/runtime.ts";
import type { Database } from "../db/database.ts";
import { findSubmission, type NewJob, type Submission, submitJobs } from "../db/jobs/submit-jobs.ts";
import { retryOnLostResponse } from "../db/retry-on-lost-response.ts";
import type { JobQueue } from "../queues/queue.ts";
import { eraseObjects } from "../storage/erase-objects.ts";
import { INLINE_INPUT_BYTES_MAX, storeInput } from "../storage/inputs.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { type BuildBindings, type BuiltJob, buildJob, type Invalid, type Order } from "./build-job.ts";

/**
 * The response is sent first. It leaves after some turns of the event loop; on one thread, as in a local run, a message sent at
 * once would start the model call before that. One millisecond is enough. With three, messages of a busy service share more
 * batches; a caller who waits for the job would notice more. If the isolate ends in between, the sweeper enqueues the job.
 */
const ENQUEUE_AFTER_MS = 3;

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

async function storeAll(bindings: SubmitBindings, built: readonly BuiltJob[]): Promise<Submission[]> {
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
	// A write with a lost response may still take effect, and its job needs the input.
	const unused = isResponseLost ? [] : jobs.filter((job) => !created.includes(job));
	await eraseUnused(bindings, unused);
	return submissions;
}

async function placeInput({ objects, runtime }: SubmitBindings, { input, ...job }: BuiltJob): Promise<NewJob> {
	const inputBytes = new TextEncoder().encode(input).byteLength;
	if (inputBytes <= INLINE_INPUT_BYTES_MAX) return { ...job, input, inputKey: null, inputBytes };
	return { ...job, input: null, inputKey: await storeInput(objects, job, input, runtime.now()), inputBytes };
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
