/** Retries a final job: a new job with the same request, or with parts of it replaced. */
import type { JobRequest } from "../api/submit-job.ts";
import { StorageUnavailable } from "../core/errors.ts";
import type { Job, JobKey } from "../core/jobs/job.ts";
import type { Actor } from "../core/tenants/audit.ts";
import { findJobWithInput } from "../db/jobs/find-job.ts";
import { readInput } from "../storage/inputs.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import type { Order } from "./build-job.ts";
import { findEarlier, type Outcome, type SubmitBindings, submit } from "./submit.ts";

export interface RetryOrder extends Pick<Order, "origin" | "idempotency"> {
	key: JobKey;
	/** Fields of the request that replace those of the old job. */
	overrides: Partial<JobRequest>;
	/** JSON that replaces the input; null keeps it. */
	input: Uint8Array | null;
	/** The same, parsed. */
	parsedInput: Order["parsedInput"];
	by: Actor;
}

export type RetryOutcome = Outcome | { outcome: "unknown" } | { outcome: "not_final" };

export async function retry(bindings: SubmitBindings, order: RetryOrder): Promise<RetryOutcome> {
	const { key, origin, idempotency } = order;
	const old = await findJobWithInput(bindings.db, key);
	if (old === null) return (await findEarlier(bindings, { ...key, idempotency })) ?? { outcome: "unknown" };
	if (old.finishedAt === null) return { outcome: "not_final" };
	return await submit(bindings, {
		tenantId: key.tenantId,
		request: { ...requestOf(old), ...order.overrides },
		parsedInput: order.input === null ? null : order.parsedInput,
		input: order.input ?? (await inputOf(bindings.objects, old)),
		origin,
		idempotency,
		entrance: { door: old.door, store: old.store, background: old.background },
		retry: { of: old.jobId, by: order.by },
	});
}

/** The old job's request, without its `run_at` and `delay_seconds`. */
function requestOf({ webhook, gateway, ...job }: Job): JobRequest {
	return {
		model: job.models,
		webhook: webhook === null ? undefined : { ...webhook, events: webhook.events ?? undefined },
		priority: job.priority,
		gateway:
			gateway === null
				? undefined
				: { cache_ttl: gateway.cacheTtlSeconds ?? undefined, skip_cache: gateway.skipCache ?? undefined },
		metadata: job.metadata ?? undefined,
		deadline_seconds: job.deadlineMs / 1000,
		timeout_seconds: job.timeoutMs / 1000,
		max_attempts: job.maxAttempts,
		retain_seconds: job.retainMs / 1000,
	};
}

async function inputOf(objects: ObjectStore, job: Job): Promise<Uint8Array> {
	const bytes = await readInput(objects, job);
	if (bytes === null) throw new StorageUnavailable("read input", new Error("the stored input is missing"));
	return bytes;
}
