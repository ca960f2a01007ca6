/** The last look of all: every job that was ever accepted, or that the service lists, with its result and its history. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { atMost } from "./at-most.ts";
import type { Asked, Client, Heard } from "./client.ts";
import { ENDPOINT } from "./fake-receiver.ts";
import type { Recorder } from "./recorder.ts";

const TRIES = 10;
const LINES = 6;
const PAGE = 100;

const Page = z.object({ data: z.array(z.object({ id: z.string() })), has_more: z.boolean() });
const JobWithHistory = z.object({
	status: z.string(),
	attempts: z.array(z.object({ number: z.number() })),
	deliveries: z.array(
		z.object({ status: z.string(), event_id: z.string(), event_type: z.string(), endpoint_id: z.string().nullable() }),
	),
});

type Facts = Parameters<Client["ask"]>[1];

export async function lookAtAll(recorder: Recorder, clientNamed: (name: string) => Client): Promise<void> {
	const accepted = recorder.events.flatMap(({ op, type, job }) =>
		op === "submit" && type === "ok" && job !== undefined ? [job] : [],
	);
	const jobs = new Set([...accepted, ...(await listAll(clientNamed("drain")))]);
	const inTurn = atMost(LINES);
	await Promise.all([...jobs].map((job) => inTurn(() => lookAt(recorder, clientNamed(`drain of ${job}`), job))));
}

async function listAll(client: Client): Promise<string[]> {
	const ids: string[] = [];
	let hasMore = true;
	while (hasMore) {
		const after = ids.length === 0 ? "" : `&after=${ids.at(-1)}`;
		const answer = await resolveWithRetry(client, { path: `/v1/jobs?limit=${PAGE}${after}` }, { op: "list" });
		const page = Page.parse(JSON.parse(answer.text));
		ids.push(...page.data.map(({ id }) => id));
		hasMore = page.has_more;
	}
	return ids;
}

async function lookAt(recorder: Recorder, client: Client, job: string): Promise<void> {
	const include = "attempts,deliveries";
	const answer = await resolveWithRetry(client, { path: `/v1/jobs/${job}?include=${include}` }, { op: "get", job });
	if (answer.code !== 200) return;
	const { status, attempts, deliveries } = JobWithHistory.parse(JSON.parse(answer.text));
	recorder.note("drain", "ok", { op: "attempts", job, recorded: attempts.at(-1)?.number ?? 0 });
	for (const { status, event_id: webhookId, event_type: eventType, endpoint_id: endpointId } of deliveries) {
		const to = endpointId === null ? {} : { receiver: ENDPOINT };
		// By the service's own account, no receiver took it.
		if (status === "exhausted") recorder.note("service", "fail", { op: "webhook", job, webhookId, eventType, ...to });
	}
	if (status === "succeeded") await resolveWithRetry(client, { path: `/v1/jobs/${job}/result` }, { op: "result", job });
}

/** An answer that says what is so: without it nothing is proved. */
async function resolveWithRetry(client: Client, asked: Asked, facts: Facts): Promise<NonNullable<Heard["answer"]>> {
	for (let tried = 1; tried <= TRIES; tried++) {
		const { answer } = await client.ask(asked, { ...facts, isDrain: true });
		if (answer !== null && answer.code < 500) return answer;
		await sleep(200 * tried);
	}
	throw new Error(`the service does not answer ${asked.path}, though nothing disturbs it`);
}
