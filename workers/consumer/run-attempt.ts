/** One leased job: look for an answer, judge, ask, decide, settle. */
import type { Attempt } from "../../shared/core/jobs/attempts.ts";
import { nextAttemptNumber, withAttempt } from "../../shared/core/jobs/attempts.ts";
import { decideFailure, precheck, usesAttempt } from "../../shared/core/jobs/decide.ts";
import type { Job } from "../../shared/core/jobs/job.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import type { ModelFailure } from "../../shared/core/upstreams/failures.ts";
import { routeFor } from "../../shared/core/upstreams/model-routes.ts";
import type { ModelOutcome, ModelResponse } from "../../shared/model/port.ts";
import { ACK, type Disposition } from "../../shared/queues/messages.ts";
import type { StoredResult } from "../../shared/storage/results.ts";
import { findEarlierResult, loadInput } from "./read-storage.ts";
import { reportRecovery } from "./report-to-breakers.ts";
import type { Consumer } from "./run-batch.ts";
import { handBack, settleFailure, settlePrecheck, settleResult, settleUnstored } from "./settle.ts";
import { storeWhileHeld } from "./store-while-held.ts";

/**
 * An invocation lives for 15 minutes, of which one attempt may take nearly all. A job that had to wait for D1 or memory
 * this long would be cut off in the middle of its call, so it goes back and starts in another invocation.
 */
const HELD_UP_MS_MAX = 60_000;

/** A leased job, and what its holder needs to know about time. */
export interface Lease {
	job: Job;
	/** This machine's clock when the invocation began. */
	startedAt: number;
	/** The database's clock, as this machine can tell: the time of the lease, and what has passed here since. */
	now(): number;
	/** Aborts when the lease is no longer ours. */
	lost: AbortSignal;
	/** False: taken over while its upstream is left alone. */
	mayCall: boolean;
	/** The cool-downs that let this call through: how it ends is news about them. */
	probedBreakers: string[];
}

export async function runAttempt(consumer: Consumer, lease: Lease): Promise<Disposition> {
	const { job } = lease;
	// An earlier holder may have stored an answer and died before the row said so. An R2 error means later, never a call.
	const found = await findEarlierResult(consumer, job);
	if (found === "unknown") return await settleUnstored(consumer, lease, null);
	if (found !== null) return await settleResult(consumer, lease, found, withAttempt(job.attempts, found.attempt));

	if (!lease.mayCall) return await handBack(consumer, lease);

	return await consumer.inputBudget.hold(job.inputBytes, async () => {
		const isHeldUp = consumer.runtime.now() - lease.startedAt > HELD_UP_MS_MAX;
		return isHeldUp ? await settleUnstored(consumer, lease, null) : await callOnce(consumer, lease);
	});
}

async function callOnce(consumer: Consumer, lease: Lease): Promise<Disposition> {
	const { job, lost } = lease;
	const precheckFailure = precheck(job, lease.now());
	if (precheckFailure !== "call") return await settlePrecheck(consumer, lease, precheckFailure);
	const input = await loadInput(consumer, job);
	if (input === "unknown") return await settleUnstored(consumer, lease, null);
	if (input === "missing") return await settlePrecheck(consumer, lease, "input_missing");
	// Cancelled or taken over before the call: it is not made. Or during it: whoever did that has written all there is
	// to write. But a paid answer is stored even then, for whoever holds the job now to find.
	if (lost.aborted) return ACK;
	const outcome = await ask(consumer, lease, input);
	if (outcome.ok) return await succeed(consumer, lease, outcome.answer);
	return lost.aborted ? ACK : await fail(consumer, lease, outcome.failure);
}

/** Asks the model, for no longer than `timeout_seconds` and what is left until the deadline. */
async function ask({ ask, config }: Consumer, lease: Lease, input: JsonObject): Promise<ModelOutcome> {
	const { tenantId, jobId, model, attempts, gateway, timeoutMs, deadlineAt } = lease.job;
	const route = routeFor(config.modelRoutes, model);
	if (route === null) return { ok: false, failure: noRoute(model) };
	return await ask(
		{
			model,
			route,
			input,
			callsBefore: nextAttemptNumber(attempts) - 1,
			timeoutMs: Math.max(0, Math.min(timeoutMs, deadlineAt - lease.now())),
			tenantId,
			jobId,
			gateway,
		},
		lease.lost,
	);
}

async function succeed(consumer: Consumer, lease: Lease, answer: ModelResponse): Promise<Disposition> {
	const { job } = lease;
	const own = entryFor(consumer, lease, {
		outcome: "succeeded",
		counted: true,
		status: answer.status,
		logId: answer.logId,
		usage: answer.usage,
	});
	const text = JSON.stringify(answer.completion);
	const body = new TextEncoder().encode(text);
	const result = await storeWhileHeld(consumer, lease, body, { attempt: own, modelAttempt: job.attempt });
	if (result === null) return await settleUnstored(consumer, lease, { ...own, outcome: "not_stored", counted: false });
	const { first, stored } = result;
	if (first) consumer.freshResults.keep(job, text, body.byteLength);
	await reportRecovery(consumer, lease);
	if (first) return await settleResult(consumer, lease, stored, withAttempt(job.attempts, stored.attempt));
	return await settleOther(consumer, lease, stored, { ...own, outcome: "superseded" });
}

/** Another holder's answer was stored first: it is the job's answer, and our own call is told beside it. */
async function settleOther(consumer: Consumer, lease: Lease, stored: StoredResult, own: Attempt): Promise<Disposition> {
	const { job } = lease;
	const attempts = withAttempt(withAttempt(job.attempts, stored.attempt), own);
	const counted = own.counted ? job.attempt : job.attempt - 1;
	const modelAttempt = stored.attempt.model === job.model ? counted : stored.modelAttempt;
	return await settleResult(consumer, lease, { ...stored, modelAttempt }, attempts);
}

async function fail(consumer: Consumer, lease: Lease, failure: ModelFailure): Promise<Disposition> {
	const decision = decideFailure(lease.job, failure, lease.now(), consumer.runtime.random);
	const entry = entryFor(consumer, lease, {
		outcome: decision.next === "expired" ? "expired" : failure.class,
		counted: usesAttempt(failure),
		status: failure.status,
		code: failure.code,
		message: failure.message,
		retryAfterMs: failure.retryAfterMs,
		logId: failure.logId,
		usage: failure.usage,
	});
	if (decision.next !== "queued") {
		// A holder before us may have stored its answer while we called, and an answer wins over any other end.
		const found = await findEarlierResult(consumer, lease.job);
		if (found === "unknown") return await settleUnstored(consumer, lease, { ...entry, counted: false });
		if (found !== null) return await settleOther(consumer, lease, found, entry);
	}
	return await settleFailure(consumer, lease, failure, decision, entry);
}

function entryFor(
	{ config }: Consumer,
	{ job, now }: Lease,
	facts: Pick<Attempt, "outcome" | "counted"> & Partial<Attempt>,
): Attempt {
	return {
		number: nextAttemptNumber(job.attempts),
		fence: job.fence,
		model: job.model,
		provider: routeFor(config.modelRoutes, job.model)?.provider ?? null,
		startedAt: job.leasedAt ?? 0,
		endedAt: now(),
		status: null,
		code: null,
		message: null,
		retryAfterMs: null,
		logId: null,
		usage: null,
		...facts,
	};
}

/** The routes were changed while the job waited. Another of its models may still be served. */
function noRoute(model: string): ModelFailure {
	return {
		class: "permanent",
		code: "model_not_served",
		message: `No route serves the model ${JSON.stringify(model)} any more.`,
		status: null,
		retryAfterMs: null,
		nextModelMayHelp: true,
		logId: null,
		usage: null,
	};
}
