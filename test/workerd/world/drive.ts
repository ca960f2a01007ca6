/** Drives a world whose queues keep their messages: sweeps, and hands each message to a process of its own. */
import { aJob, MINUTE, reload, type StoredJob } from "../support/a-job.ts";
import { aModel, type ScriptedModel, type Step } from "./model.ts";
import type { Process } from "./process.ts";
import { World } from "./world.ts";

/** Sweeps once a minute and processes all messages, until `quietSweeps` sweeps in a row have sent none. */
export async function runOut(world: World, model: ScriptedModel, quietSweeps = 4): Promise<void> {
	for (let quiet = 0; quiet < quietSweeps; ) {
		await world.sweep(MINUTE);
		quiet = (await processMessages(world, model)) ? 0 : quiet + 1;
	}
}

/** Processes what waits, and what is sent meanwhile. False: nothing did. */
export async function processMessages(world: World, model: ScriptedModel): Promise<boolean> {
	const [jobs, deliveries] = [world.jobs.take(), world.deliveries.take()];
	for (const key of jobs) await world.start(model).consume(key);
	for (const key of deliveries) await world.start().dispatch(key);
	if (jobs.length + deliveries.length === 0) return false;
	await processMessages(world, model);
	return true;
}

/** One job that is consumed once, in a world of its own, and what became of it. */
export async function consumed(
	steps: [Step, ...Step[]],
	overrides: Partial<StoredJob> = {},
	...faults: Parameters<Process["on"]>[]
) {
	const [world, job, model] = [new World(), await aJob(overrides), aModel(...steps)];
	const process = world.start(model);
	for (const fault of faults) process.on(...fault);
	const disposition = await process.consume(job);
	return { world, job, model, process, disposition, after: await reload(job) };
}
