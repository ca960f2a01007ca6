/** Drives the actors through a world: hands them messages, and follows what they ask of the queue. */

import type { JobKey } from "../../../shared/core/jobs/job.ts";
import type { DeliveryKey } from "../../../shared/core/webhooks/delivery.ts";
import type { Disposition } from "../../../shared/queues/messages.ts";
import { runMessages } from "../../../workers/consumer/run-messages.ts";
import { dispatchMessages } from "../../../workers/dispatcher/dispatch-messages.ts";
import { sweepAll } from "../../../workers/sweeper/index.ts";
import { type Process, takeBells, type World } from "./a-world.ts";
import type { ScriptedModel } from "./scripted-model.ts";

export interface Consuming {
	/** What each message was told, by job, as far as it is known. */
	told: Record<string, Disposition>;
	over: Promise<void>;
}

export function consuming(process: Process, ...keys: JobKey[]): Consuming {
	const told: Consuming["told"] = {};
	const over = runMessages(process.consumer, keys.map(bare), (key, disposition) => {
		told[key.jobId] = disposition;
	});
	return { told, over };
}

/** Consumes to the end and answers what the first message was told. */
export async function consume(world: World, process: Process, ...keys: [JobKey, ...JobKey[]]): Promise<Disposition> {
	const { told, over } = consuming(process, ...keys);
	if (!(await world.ended(over))) throw new Error("the batch never ends");
	await over;
	const disposition = told[keys[0].jobId];
	if (disposition === undefined) throw new Error("a message was told nothing");
	return disposition;
}

export async function dispatch(world: World, process: Process, ...keys: [DeliveryKey, ...DeliveryKey[]]) {
	const told: Record<string, Disposition> = {};
	const over = dispatchMessages(process.dispatcher, keys, (key, disposition) => {
		told[key.deliveryId] = disposition;
	});
	if (!(await world.ended(over))) throw new Error("the batch never ends");
	await over;
	const rest = Promise.all(process.background);
	if (!(await world.ended(rest))) throw new Error("the background never ends");
	return told[keys[0].deliveryId];
}

export async function sweepOnce(world: World, process = world.start()): Promise<void> {
	const over = sweepAll(process.sweeper);
	if (await world.ended(over)) await over;
}

/** Sweeps once a minute and answers every bell with a process of its own, until nobody redispatches for `quietSweeps` of them. */
export async function runOut(world: World, model: ScriptedModel, quietSweeps = 4): Promise<void> {
	for (let quiet = 0; quiet < quietSweeps; ) {
		await world.advance(60_000);
		await sweepOnce(world);
		const rang = await answerBells(world, model);
		quiet = rang ? 0 : quiet + 1;
	}
}

/** True: somebody rang. */
export async function answerBells(world: World, model: ScriptedModel): Promise<boolean> {
	const { jobs, deliveries } = takeBells(world);
	for (const key of jobs) await consume(world, world.start(model), key);
	for (const key of deliveries) await dispatch(world, world.start(), key);
	const more = world.bells.jobs.length + world.bells.deliveries.length;
	if (more > 0) await answerBells(world, model);
	return jobs.length + deliveries.length > 0;
}

function bare({ tenantId, jobId }: JobKey): JobKey {
	return { tenantId, jobId };
}
