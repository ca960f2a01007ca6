/** After the last restart: waits until no job is open and no webhook is pending. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { HistoryEvent } from "../simulation/history.ts";
import { atMost } from "./at-most.ts";
import type { Client } from "./client.ts";
import { ENDPOINT } from "./fake-receiver.ts";
import type { Recorder } from "./recorder.ts";

const LOOK_EVERY_MS = 1_000;
const LINES = 6;

const List = z.object({ data: z.array(z.object({ id: z.string() })) });
const Deliveries = z.object({ deliveries: z.array(z.object({ status: z.string() })) });

/** Resolves at `giveUpAt`, by the recorder's clock, at the latest: what is not at rest by then, the checker will find. */
export async function comeToRest(
	recorder: Recorder,
	clientNamed: (name: string) => Client,
	giveUpAt: number,
): Promise<void> {
	const isOver = () => recorder.now > giveUpAt;
	// A job may go back and forth between the two while we look.
	for (const status of ["queued", "running", "queued", "running"]) {
		while (!isOver() && !(await isNone(clientNamed("drain"), status))) await sleep(LOOK_EVERY_MS);
	}
	const inTurn = atMost(LINES);
	const settled = new Set<string>();
	for (;;) {
		const pending = jobsWithPending(recorder.events).filter((job) => !settled.has(job));
		if (pending.length === 0 || isOver()) return;
		const look = async (job: string) => {
			if (await areDeliveriesOver(clientNamed(`drain of ${job}`), job)) settled.add(job);
		};
		await Promise.all(pending.map((job) => inTurn(() => look(job))));
		await sleep(LOOK_EVERY_MS);
	}
}

async function isNone(client: Client, status: string): Promise<boolean> {
	const { answer } = await client.ask({ path: `/v1/jobs?status=${status}&limit=1` }, { op: "list" });
	return answer?.code === 200 && List.parse(JSON.parse(answer.text)).data.length === 0;
}

/** Also true where there are none, because the job ended otherwise than its webhook wants to hear of. */
async function areDeliveriesOver(client: Client, job: string): Promise<boolean> {
	const { answer } = await client.ask({ path: `/v1/jobs/${job}?include=deliveries` }, { op: "get", job });
	if (answer?.code !== 200) return false;
	return Deliveries.parse(JSON.parse(answer.text)).deliveries.every(({ status }) => status !== "pending");
}

/** Jobs whose final webhook has not arrived yet: at the registered receiver, or at the job's own. */
function jobsWithPending(history: readonly HistoryEvent[]): string[] {
	const pending = new Set<string>();
	for (const { op, type, job, wants } of history) {
		if (op !== "submit" || type !== "ok" || job === undefined) continue;
		pending.add(`${job} ${ENDPOINT}`);
		if (wants) pending.add(`${job} `);
	}
	for (const { op, type, job, receiver = "", eventType } of history) {
		if (op === "webhook" && type === "ok" && eventType !== "job.started") pending.delete(`${job} ${receiver}`);
	}
	return [...new Set([...pending].map((name) => name.split(" ")[0] ?? ""))];
}
