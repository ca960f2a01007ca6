/**
 * What is paid for. C1: a call needs a lease, and a lease makes one call at most, of the model and with the prompt that
 * its job says. C2: an answer that was stored is not bought again. D1: no call after the deadline; D2: none that goes on
 * when its time is up. C3: a call whose job ended under it is aborted within seconds. C4: a holder that lives, and calls,
 * keeps its lease.
 */
import type { Simulation } from "../simulate.ts";
import type { ModelCallSeen } from "../world/model.ts";
import type { World } from "../world/world.ts";
import type { Claim } from "./claims.ts";
import { isFinalRow, numberOf } from "./rows.ts";

/** A look every 5 s, and some for the network. */
const ABORTED_WITHIN_MS = 8_000;
/** For timers that wait for a busy machine. */
const SLACK_MS = 2_000;

export function watchCalls(simulation: Simulation): undefined {
	const { service, world, claims, ledger } = simulation;
	const storedAt = new Map<string, number>();
	service.bucket.onChange(({ kind, key }) => {
		if (kind === "put" && key.startsWith("results/")) storedAt.set(key, world.now);
	});
	service.model.onCall((call) => {
		const { jobId, by, number } = call;
		const claim = claims.of(jobId, by);
		if (claim === null) return world.violate("C1", `${by.name} made call ${number} for ${jobId} without a lease`);
		claim.calls += 1;
		if (claim.calls > 1) world.violate("C1", `${by.name} made two calls under one lease of ${jobId}`);
		if (call.model !== claim.row.model)
			world.violate("C1", `call ${number} asked ${call.model} instead of ${claim.row.model}`);
		if (call.prompt !== simulation.prompts.get(jobId))
			world.violate("S10", `call ${number} asked another's prompt: ${call.prompt}`);
		const stored = storedAt.get(`results/${call.tenantId}/${jobId}`);
		if (stored !== undefined && stored < claim.at)
			world.violate("C2", `call ${number} buys an answer that ${jobId} has`);
		// Where the database's clock jumped back since the lease, there is time again.
		if (Math.min(claim.databaseAt, world.databaseNow) >= numberOf(claim.row, "deadline_at"))
			world.violate("D1", `call ${number} began after the deadline of ${jobId}`);
		watchTime(simulation, call, claim);
	});
	ledger.on("jobs", ({ id, before, after, by }) => {
		const isTakenOver = before?.status === "running" && numberOf(after, "fence") > numberOf(before, "fence");
		const victim = service.model.callsOf(id).find((call) => call.by !== by && isGoingOn(call));
		if (
			isTakenOver &&
			victim !== undefined &&
			isDatabaseSound(world) &&
			service.database.server === null &&
			world.options.jumps === 0
		) {
			world.violate("C4", `${by?.name} takes ${id} from ${victim.by.name}, which lives and calls`);
		}
		if (before?.status !== "running" || !isFinalRow(after)) return;
		for (const call of service.model.callsOf(id)) watchAbort(simulation, call);
	});
}

/** Paused machines do not see the time; a jump of the database's clock moves the deadline. */
function watchTime({ world }: Simulation, call: ModelCallSeen, claim: Claim): void {
	if (world.options.jumps > 0) return;
	const leftMs = numberOf(claim.row, "deadline_at") - world.databaseNow;
	// What passed between the lease and its answer is not on the holder's clock.
	const unseenMs = call.at - claim.at;
	const limitMs = Math.min(numberOf(claim.row, "timeout_ms"), leftMs) + unseenMs + SLACK_MS;
	world.after(limitMs, () => {
		if (isGoingOn(call)) world.violate("D2", `call ${call.number} of ${call.jobId} goes on though its time is up`);
	});
}

function watchAbort({ world }: Simulation, call: ModelCallSeen): void {
	if (!isDatabaseSound(world) || !isGoingOn(call)) return;
	world.after(ABORTED_WITHIN_MS, () => {
		if (isGoingOn(call)) world.violate("C3", `call ${call.number} goes on though ${call.jobId} is over`);
	});
}

function isDatabaseSound({ options }: World): boolean {
	const { before, after, late, hang } = options.database;
	return before + after + late + hang + options.outages === 0;
}

function isGoingOn({ isOver, abortedAt, by }: ModelCallSeen): boolean {
	return !isOver && abortedAt === null && !by.isDead && !by.wasPaused;
}
