/** Why a job is where it is, in a sentence. */
import type { Job } from "../../client/index.ts";
import { whole } from "../format/numbers.ts";
import { words } from "../format/states.ts";
import { duration } from "../format/times.ts";
import { visible } from "../format/visible.ts";

/** @param clock how a time is shown, such as "16:24:10" */
export function reasonOf(job: Job, now: number, clock: (at: string) => string): string {
	switch (job.status) {
		case "queued":
			return queuedReason(job, now, clock);
		case "running":
			return runningReason(job, now);
		case "succeeded":
			return `Succeeded ${spent(job)}.`;
		case "failed":
			return `Failed ${FAILED[job.status_reason ?? ""] ?? spent(job)}${messageOf(job)}`;
		case "expired":
			return `Expired: it had no result by its deadline, ${clock(job.deadline_at)}${messageOf(job)}`;
		case "cancelled":
			return job.cancellation === "in_flight"
				? "Cancelled while its model was called. The answer of that call is not shown."
				: job.started_at === null
					? "Cancelled before its model was called."
					: "Cancelled while it waited for its next attempt.";
		default:
			return words(job.status);
	}
}

const WAITS: Record<string, (model: string) => string> = {
	retrying: (model) => `Waits before it calls ${model} again`,
	throttled: (model) => `Waits for ${model}: throttled`,
	unavailable: (model) => `Waits for ${model}: most of its calls fail`,
	blocked: (model) => `Waits for ${model}: the provider's quota is spent or its credit refused`,
	running_limit: () => "Waits for a free slot: as many jobs run as may",
	budget_spent: () => "Waits: today's tokens are spent",
	storage_unavailable: () => "Waits: its data could not be read or stored. No attempt was used",
	worker_full: () => "Waits: the workers have no memory left for its prompt. No attempt was used",
};

function queuedReason(
	{ status_reason, model, run_at, next_attempt_at }: Job,
	now: number,
	clock: (at: string) => string,
): string {
	if (status_reason === null)
		return Date.parse(run_at) > now
			? `Waits until ${clock(run_at)}, as it was submitted.`
			: "Queued. It starts in a moment.";
	const why = WAITS[status_reason]?.(model) ?? `Waits: ${words(status_reason)}`;
	if (next_attempt_at === null || status_reason === "running_limit") return `${why}.`;
	return Date.parse(next_attempt_at) <= now
		? `${why}. It goes on in a moment.`
		: `${why} until ${clock(next_attempt_at)}.`;
}

function runningReason({ model, attempt, max_attempts, attempt_started_at }: Job, now: number): string {
	const since = attempt_started_at === null ? "" : ` for ${duration(now - Date.parse(attempt_started_at))}`;
	return `Calls ${model}${since}: attempt ${Math.max(1, attempt)} of ${max_attempts}.`;
}

/** The time from the submission, or from when the job might run. */
function spent({ created_at, run_at, finished_at, usage }: Job): string {
	const from = Math.max(Date.parse(created_at), Date.parse(run_at));
	const took = finished_at === null ? "" : `in ${duration(Date.parse(finished_at) - from)}`;
	return usage === null ? took : `${took}, with ${whole(usage.total_tokens)} tokens`;
}

const FAILED: Record<string, string> = {
	permanent: "for good, as the same call would fail again",
	answer_unreadable: "because the answer could not be read",
	attempts_exhausted: "after its last attempt",
	poisoned: "because its worker stopped at every attempt",
};

function messageOf({ error }: Job): string {
	return error === null ? "." : `: ${visible(error.message)}`;
}
