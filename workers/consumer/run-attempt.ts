/** One leased job: look for a result, check, call, decide, settle. */
import {
	type Attempt,
	type AttemptFacts,
	estimatedUsage,
	newAttempt,
	nextAttemptNumber,
} from "../../shared/core/jobs/attempts.ts";
import { decideFailure } from "../../shared/core/jobs/decide.ts";
import {
	afterFailure,
	afterFullIsolate,
	afterMissingInput,
	afterOtherResult,
	afterResult,
	afterStorageFault,
	handBack,
	precheck,
	type Settlement,
} from "../../shared/core/jobs/settlement.ts";
import type { JsonBody } from "../../shared/core/json/json-body.ts";
import { isSnapshot } from "../../shared/core/responses/snapshot.ts";
import { type ModelFailure, routeFailure } from "../../shared/core/upstreams/failures.ts";
import { routeFor } from "../../shared/core/upstreams/model-routes.ts";
import { chatInput } from "../../shared/model/chat-input.ts";
import type { ModelOutcome, ModelResponse } from "../../shared/model/port.ts";
import { ACK, type Disposition } from "../../shared/queues/dispositions.ts";
import { logDebug } from "../log.ts";
import { CALL_END_MS_MAX, type Consumer, type Lease } from "./consumer.ts";
import { JobMemory } from "./job-memory.ts";
import { findEarlierResult, loadInput, mayStoreResult, storeWhileHeld } from "./persist.ts";
import { reportEnd, reportFailure, reportRecovery } from "./report-to-breakers.ts";
import { settle } from "./settle.ts";

/** A shorter call is not worth paying for. */
const CALL_MS_MIN = 1_000;
/** A call that is cut so late would hardly have ended in the rest of its time. */
const CALL_MS_LONG = 600_000;

export async function runAttempt(consumer: Consumer, lease: Lease): Promise<Disposition> {
	const settlement = await attempt(consumer, lease);
	return settlement === null ? ACK : await settle(consumer, lease, settlement);
}

/** Null: the lease is lost. The next holder, or the request that cancelled the job, writes everything. */
async function attempt(consumer: Consumer, lease: Lease): Promise<Settlement | null> {
	const { job } = lease;
	// An earlier holder may have stored a result and died before it settled. After an R2 fault the job waits, without a call.
	const found = await findEarlierResult(consumer, job);
	if (found === "unknown") return afterStorageFault(job, null);
	if (found !== null) return afterResult(job, found);
	if (lease.gatedBy !== null) return handBack(job, lease.gatedBy, lease.movesOn);

	const provider = routeFor(consumer.config.modelRoutes, job.model)?.provider ?? "openai-compatible";
	const waitMs = job.deadlineAt - lease.now();
	const memory = await JobMemory.take(consumer, { provider, bytes: job.inputBytes, waitMs }, lease.lost);
	if (memory === null) return lease.lost.aborted ? null : afterWait(consumer, lease);
	try {
		return await checkAndCall(consumer, lease, memory);
	} finally {
		memory.release();
	}
}

function afterWait({ runtime }: Consumer, { job, now }: Lease): Settlement {
	return precheck(job, now()) ?? afterFullIsolate(job, runtime.random);
}

async function checkAndCall(consumer: Consumer, lease: Lease, memory: JobMemory): Promise<Settlement | null> {
	const { job, lost } = lease;
	const ended = precheck(job, lease.now());
	if (ended !== null) return ended;
	// Before the input is loaded: that alone may exceed an isolate's memory.
	const isRecorded = await lease.beginCall();
	if (lost.aborted) return null;
	if (!isRecorded) return afterStorageFault(job, null);
	const input = await loadInput(consumer, job);
	if (input === "unknown") return afterStorageFault(job, null);
	if (input === "missing") return afterMissingInput(job);
	if (!(await mayStoreResult(consumer, job))) return afterStorageFault(job, null);
	const tooLate = await checkTime(consumer, lease);
	if (tooLate !== null) return tooLate;
	if (lost.aborted) return null;
	const outcome = await call(consumer, lease, input, memory);
	// A result that was paid for is stored even if the lease is lost: the job's next holder finds it.
	if (outcome.ok) return await keepResult(consumer, lease, outcome.response);
	await reportEnd(consumer, lease, outcome.failure);
	return lost.aborted ? null : await decide(consumer, lease, outcome.failure);
}

/**
 * Null: there is time for the call. A job that waited long for D1, R2 or memory could be cut off in the middle of a long call,
 * so it is queued again for another invocation. So is one whose lease has expired, unless its next holder has it.
 */
async function checkTime({ runtime }: Consumer, lease: Lease): Promise<Settlement | null> {
	if (lease.hasLapsed()) return afterStorageFault(lease.job, null);
	const leftMs = lease.job.deadlineAt - lease.now();
	if (leftMs < CALL_MS_MIN) {
		await runtime.sleep(leftMs, lease.lost);
		return precheck(lease.job, Math.max(lease.now(), lease.job.deadlineAt));
	}
	const invocationMs = invocationMsLeft(lease, runtime.now());
	const isCut = invocationMs < Math.min(lease.job.timeoutMs, leftMs);
	return isCut && invocationMs < CALL_MS_LONG ? afterStorageFault(lease.job, null) : null;
}

function invocationMsLeft({ startedAt }: Lease, now: number): number {
	return startedAt + CALL_END_MS_MAX - now;
}

/** Calls the model, for at most `timeout_seconds` and never beyond the deadline or the invocation. */
async function call(
	{ callModel, config, runtime }: Consumer,
	lease: Lease,
	stored: JsonBody,
	memory: JobMemory,
): Promise<ModelOutcome> {
	const { tenantId, jobId, model, attempts, gateway, timeoutMs, deadlineAt } = lease.job;
	const route = routeFor(config.modelRoutes, model);
	if (route === null) return { ok: false, failure: noRoute(model) };
	if (isSnapshot(stored)) await memory.roomForTranslation(stored.original.byteLength);
	const asked = chatInput(stored, route, model);
	if (!asked.ok) return asked;
	logDebug("attempt.started", { jobId, attempt: lease.job.attempt, fence: lease.job.fence, model });
	return await callModel(
		{
			model,
			route,
			input: asked.input,
			callsBefore: nextAttemptNumber(attempts) - 1,
			timeoutMs: Math.max(0, Math.min(timeoutMs, deadlineAt - lease.now(), invocationMsLeft(lease, runtime.now()))),
			tenantId,
			jobId,
			gateway,
			roomFor: (chars) => memory.roomFor(chars),
		},
		lease.lost,
	);
}

async function keepResult(consumer: Consumer, lease: Lease, response: ModelResponse): Promise<Settlement> {
	const { job } = lease;
	const { completion, status, logId, remark: message = null } = response;
	const usage = response.usage ?? estimatedUsage(job);
	const own = entryFor(consumer, lease, { outcome: "succeeded", counted: true, status, message, logId, usage });
	const text = JSON.stringify(completion);
	const body = new TextEncoder().encode(text);
	const kept = await storeWhileHeld(consumer, lease, body, { attempt: own, modelAttempt: job.attempt });
	await reportRecovery(consumer, lease);
	if (kept === null) return afterStorageFault(job, { ...own, outcome: "not_stored", counted: false });
	if (!kept.first) return afterOtherResult(job, kept.stored, { ...own, outcome: "superseded" });
	consumer.freshResults.keep(job, text, body.byteLength);
	return afterResult(job, kept.stored);
}

async function decide(consumer: Consumer, lease: Lease, failure: ModelFailure): Promise<Settlement> {
	const { job } = lease;
	const decision = decideFailure(job, failure, lease.now(), consumer.runtime.random, lease.succeededAt);
	const { status, code, providerCode, message, excerpt, retryAfterMs, logId } = failure;
	const usage = failure.usage ?? (failure.mayBeBilled ? estimatedUsage(job) : null);
	const own = entryFor(consumer, lease, {
		outcome: decision.next === "expired" ? "expired" : failure.class,
		counted: decision.counted,
		...{ status, code, providerCode, message, excerpt, retryAfterMs, logId, usage },
	});
	if (decision.next !== "queued") {
		// An earlier holder may have stored its result during our call, and a result wins over any other end.
		const found = await findEarlierResult(consumer, job);
		if (found === "unknown") return afterStorageFault(job, { ...own, counted: false });
		if (found !== null) return afterOtherResult(job, found, own);
	}
	const breakerEvent = await reportFailure(consumer, lease, failure, decision);
	return afterFailure(job, decision, own, breakerEvent);
}

function entryFor({ config }: Consumer, { job, now }: Lease, facts: AttemptFacts): Attempt {
	const provider = routeFor(config.modelRoutes, job.model)?.provider ?? null;
	return newAttempt(job, { provider, startedAt: job.leasedAt ?? 0, endedAt: now(), ...facts });
}

/** The routes changed while the job waited. Another of its models may still be served. */
function noRoute(model: string): ModelFailure {
	const message = `No route serves the model ${JSON.stringify(model)} any more.`;
	return routeFailure("model_not_served", message);
}
