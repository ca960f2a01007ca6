/** Who must have been told of a job, and how often at most. */
import { z } from "zod";
import type { FinalState } from "../../../shared/core/jobs/job-states.ts";
import { eventIdOf } from "../../support/event-ids.ts";
import type { Expected } from "./story.ts";
import type { World } from "./world.ts";

export const DeliveryRow = z.object({ job_id: z.string(), event_id: z.string(), status: z.string() });
export type DeliveryRow = z.infer<typeof DeliveryRow>;

export function webhookProblems(
	world: World,
	expected: Expected & { status: FinalState },
	deliveries: DeliveryRow[],
): string[] {
	const { jobId, hasWebhook, endpoints = 0, missed = 0, isStartTold = false } = expected;
	const ends = (hasWebhook ? 1 : 0) + endpoints;
	const starts = isStartTold ? 1 : 0;
	const end = eventIdOf(jobId, expected.status);
	const start = eventIdOf(jobId, "started");
	const having = (eventId: string, isDelivered: boolean) =>
		deliveries.filter((row) => row.event_id === eventId && (row.status === "delivered") === isDelivered).length;
	const isRight =
		having(end, true) === ends &&
		having(end, false) === missed &&
		having(start, true) === starts &&
		!having(start, false);
	const isAll = deliveries.length === ends + missed + starts;

	const told = world.upstreams.received.filter((one) => one.jobId === jobId);
	const timesMax = ends + missed + starts + (expected.toldAgain ?? 0) + timesLost(world, jobId);
	const problems: string[] = [];
	if (!isRight || !isAll) problems.push(`owes ${JSON.stringify(deliveries)}`);
	if (told.some(({ id }) => id !== end && id !== start)) problems.push(`was told as ${told.map(({ id }) => id)}`);
	if (told.length < ends + starts || told.length > timesMax + world.upstreams.refusals) {
		problems.push(`was told ${told.length} times`);
	}
	return problems;
}

/** A webhook whose receipt was lost comes again, as one that was refused does, and none other. */
function timesLost({ gate }: World, jobId: string): number {
	const about = jobId.slice("job_".length);
	return gate.injected.filter(({ call }) => call.outside === "fetch" && call.about.includes(about)).length;
}
