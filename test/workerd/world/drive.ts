/** Drives a world whose queues keep their messages: sweeps, and hands each message to a process of its own. */
import type { ScriptedModel } from "./model.ts";
import type { World } from "./world.ts";

const MINUTE = 60_000;

/** Sweeps once a minute and processes all messages, until `quietSweeps` sweeps in a row have sent none. */
export async function runOut(world: World, model: ScriptedModel, quietSweeps = 4): Promise<void> {
	for (let quiet = 0; quiet < quietSweeps; ) {
		await world.advance(MINUTE);
		await world.start().sweep();
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
