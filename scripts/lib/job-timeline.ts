/** The history of a finished job as readable lines: when each step happened, and how long after the previous one. */

import type { AttemptBody } from "../../shared/api/attempt.ts";
import type { DeliveryBody } from "../../shared/api/delivery.ts";
import type { JobBody } from "../../shared/api/job.ts";

export type DemoJob = Pick<
	JobBody,
	"id" | "status" | "status_reason" | "model" | "created_at" | "started_at" | "finished_at" | "usage" | "error"
>;
export type DemoAttempt = Pick<AttemptBody, "number" | "model" | "provider" | "started_at" | "outcome">;
export type DemoDelivery = Pick<DeliveryBody, "event_type" | "url"> & {
	status: string;
	attempts: Pick<DeliveryBody["attempts"][number], "at" | "duration_ms" | "status">[];
};

type Moment = { at: number; what: string; note: string };

export function timeline(job: DemoJob, attempts: DemoAttempt[], deliveries: DemoDelivery[]): string[] {
	const moments: Moment[] = [{ at: Date.parse(job.created_at), what: "created", note: "202 with the job id" }];
	for (const { number, model, provider, started_at } of attempts) {
		moments.push({ at: Date.parse(started_at), what: "started", note: `attempt ${number}: ${model}, ${provider}` });
	}
	if (job.finished_at !== null) {
		moments.push({
			at: Date.parse(job.finished_at),
			what: "finished",
			note: [job.status, tokens(job)].filter(Boolean).join(", "),
		});
	}
	for (const { event_type, attempts: posts } of deliveries) {
		for (const { at, duration_ms, status } of posts) {
			const note = `${event_type}, ${status === null ? "no reply" : `reply ${status}`}`;
			moments.push({ at: Date.parse(at) + duration_ms, what: "delivered", note });
		}
	}
	moments.sort((a, b) => a.at - b.at);
	return moments.map((moment, index) => line(moment, moments[index - 1] ?? null));
}

function tokens({ usage }: DemoJob): string {
	return usage === null ? "" : `${usage.prompt_tokens} tokens in, ${usage.completion_tokens} out`;
}

function line(moment: Moment, before: Moment | null): string {
	const time = new Date(moment.at).toISOString().slice(11, 23);
	const step = before === null ? "" : `+${moment.at - before.at} ms`;
	return `${time} ${step.padStart(9)}  ${moment.what.padEnd(10)} ${moment.note}`;
}
