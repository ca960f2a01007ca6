/** A job as the code sees it. Times are Unix milliseconds of the database's clock, durations milliseconds. */

import type { Usage } from "../upstreams/failures.ts";
import type { Attempt } from "./attempts.ts";
import type { JobState, StatusReason } from "./job-states.ts";

/** Names a job. Ids are unique within a tenant, and are looked up only within it. */
export interface JobKey {
	tenantId: string;
	jobId: string;
}

/** The OpenAI-compatible routes by which a job may come. A door is a shape: behind it, the job is one like any other. */
export const DOORS = ["chat", "responses"] as const;
export type Door = (typeof DOORS)[number];

/** How a job came, and what its caller said of its keeping. All null: by a route of jobs. */
export interface Entrance {
	door: Door | null;
	/** Whether it is listed among the stored ones. Null: the caller did not say. */
	store: boolean | null;
	/** Whether no response waits for the answer. */
	background: boolean | null;
}

export const NATIVE: Entrance = { door: null, store: null, background: null };

export interface Job extends JobKey, Entrance {
	status: JobState;
	statusReason: StatusReason | null;
	version: number;

	models: string[];
	/** The body as JSON text, or null where `inputKey` names the R2 object that holds it. */
	input: string | null;
	inputKey: string | null;
	inputBytes: number;
	webhook: WebhookTarget | null;
	gateway: GatewaySettings | null;
	metadata: Record<string, string> | null;
	priority: number;
	timeoutMs: number;
	maxAttempts: number;
	retainMs: number;
	retryOf: string | null;
	/** Where the caller reached this service, such as `https://jobs.example.com`. */
	origin: string;
	createdAt: number;
	/** How long the job may take from submission, or from the first `runAt`, to a final state; and when that ends. */
	deadlineMs: number;
	deadlineAt: number;

	runAt: number;
	model: string;
	/** The credential that `model` is called with, by the routes at the time the job was queued. */
	credential: string;
	attempt: number;
	fence: number;
	holder: string | null;
	leasedAt: number | null;
	leaseExpiresAt: number | null;
	attempts: Attempt[];
	usage: Usage | null;
	/** What the last lease reserved of the tenant's tokens a day; null: it has no limit of them. */
	tokensReserved: number | null;
	startedAt: number | null;

	finishedAt: number | null;
	error: JobError | null;
	cancellation: Cancellation | null;
	resultBytes: number | null;
	/** The finish reason of the answer's first choice. Null: unknown, or there is none. */
	finish: string | null;
}

/** `full`: the job as a poll shows it, and its result. `thin`: id, object and status alone. */
export const WEBHOOK_PAYLOADS = ["full", "thin"] as const;
export type WebhookPayload = (typeof WEBHOOK_PAYLOADS)[number];

/** A job without its input, which may be long. */
export type JobWithHistory = Omit<Job, "input">;

/** What lists, polls and webhooks show of a job: neither its input nor its calls, which may be long. */
export type JobSummary = Omit<JobWithHistory, "attempts">;

/** A one-off webhook, as the job names it. `events` null: all of them. */
export interface WebhookTarget {
	url: string;
	events: string[] | null;
	payload: WebhookPayload;
}

/** As it is stored: with a digest of the URL that its receiver's breaker is named by. A row of an earlier version has none. */
export type StoredWebhookTarget = WebhookTarget & { urlDigest?: string };

/** Options of the AI Gateway for one job; providers that have no gateway ignore them. */
export interface GatewaySettings {
	cacheTtlSeconds: number | null;
	skipCache: boolean | null;
}

/** Only a job that requests it, by a time or by `skip_cache: false`, gets or leaves a response in the gateway's cache. */
export function mayUseCache(gateway: GatewaySettings | null): boolean {
	if (gateway === null || gateway.skipCache === true || gateway.cacheTtlSeconds === 0) return false;
	return gateway.cacheTtlSeconds !== null || gateway.skipCache === false;
}

export const CANCELLATIONS = ["before_start", "in_flight"] as const;
export type Cancellation = (typeof CANCELLATIONS)[number];

/** What went wrong, for the caller: the last failure in words. */
export interface JobError {
	code: string;
	message: string;
	/** HTTP status of the provider's response; null where there was none. */
	status: number | null;
	model: string | null;
}
