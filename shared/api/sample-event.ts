/** A test event: like a real one, but marked as a test and about a job that does not exist. */

import type { JobState } from "../core/jobs/job-states.ts";
import type { Json } from "../core/json/json.ts";
import type { EventType, JOB_EVENT_TYPES } from "../core/webhooks/events.ts";
import type { WebhookEndpoint } from "../core/webhooks/webhook-endpoint.ts";
import type { JobBody } from "./job.ts";
import { timestamp } from "./time.ts";

/** A valid id that no job has: its time is in 1970. */
const SAMPLE_JOB_ID = `job_${"0".repeat(26)}`;
const SAMPLE_MODEL = "simulated/test";
const USAGE = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };

type JobEventType = (typeof JOB_EVENT_TYPES)[number];

const STATES: Record<JobEventType, JobState> = {
	"job.started": "running",
	"job.succeeded": "succeeded",
	"job.failed": "failed",
	"job.cancelled": "cancelled",
	"job.expired": "expired",
};

/** @param at Unix milliseconds */
export function sampleEvent(type: EventType, eventId: string, endpoint: WebhookEndpoint, at: number) {
	return {
		id: eventId,
		object: "event",
		type,
		created_at: Math.floor(at / 1000),
		timestamp: timestamp(at),
		data: { ...dataOf(type, endpoint, at), test: true },
	};
}

function dataOf(type: EventType, endpoint: WebhookEndpoint, at: number) {
	if (type === "endpoint.disabled") return disabledEndpoint(endpoint, at);
	const status = STATES[type];
	if (endpoint.payload === "thin") return { id: SAMPLE_JOB_ID, object: "job", status };
	return { ...sampleJob(status, at), result: status === "succeeded" ? sampleResult(at) : null };
}

function disabledEndpoint({ endpointId, name, url }: WebhookEndpoint, at: number) {
	return {
		id: endpointId,
		object: "webhook_endpoint",
		name,
		url,
		status: "disabled",
		disabled_at: Math.floor(at / 1000),
		disabled_reason: "gone",
	};
}

function sampleJob(status: JobState, at: number): JobBody {
	const time = timestamp(at);
	const isFinal = status !== "running";
	const error = { code: "test", message: "This is a test.", status: null, model: SAMPLE_MODEL };
	const wentWrong = status === "failed" || status === "expired";
	return {
		id: SAMPLE_JOB_ID,
		object: "job",
		status,
		status_reason: status === "failed" ? "permanent" : status === "expired" ? "deadline_passed" : null,
		model: SAMPLE_MODEL,
		models: [SAMPLE_MODEL],
		attempt: 1,
		max_attempts: 5,
		priority: 5,
		created_at: time,
		run_at: time,
		started_at: time,
		attempt_started_at: isFinal ? null : time,
		finished_at: isFinal ? time : null,
		deadline_at: time,
		next_attempt_at: null,
		usage: status === "succeeded" ? USAGE : null,
		cost_usd: null,
		error: wentWrong ? error : null,
		result_url: null,
		metadata: {},
		webhook: null,
		door: null,
		retry_of: null,
		cancellation: status === "cancelled" ? "in_flight" : null,
		timeout_seconds: 600,
		retain_seconds: 2_592_000,
		gateway: null,
		input_bytes: 2,
		result_bytes: null,
		version: isFinal ? 3 : 2,
	};
}

function sampleResult(at: number): Json {
	return {
		id: "chatcmpl-test",
		object: "chat.completion",
		created: Math.floor(at / 1000),
		model: SAMPLE_MODEL,
		choices: [{ index: 0, message: { role: "assistant", content: "This is a test." }, finish_reason: "stop" }],
		usage: USAGE,
	};
}
