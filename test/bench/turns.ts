/**
 * All systems in one run, turn by turn, so that a machine that is slow for a while is slow for all of them.
 */
import { between, type Ledger } from "./ledger.ts";
import { type Idle, idleOf, newTag, submitMany, submitOnce, throughputOf } from "./load.ts";
import { rounded } from "./statistics.ts";
import { bareInsert, type System, type WorkerSystem } from "./systems.ts";
import type { Upstreams } from "./upstreams.ts";

export interface Load {
	rounds: number;
	/** Of the throughput run, and how many submissions are in flight at once. */
	jobs: number;
	atOnce: number;
	/** One at a time, each round. */
	idleJobs: number;
}

/** What one turn of one system measured. Milliseconds, one a job, where there are many. */
export interface Turn {
	jobsPerSecond: number;
	cpuMsPerJob: number;
	/** With the load of the throughput run. */
	submitMs: number[];
	idle: Idle;
}

/** Of one system, all its turns in order, and what was spent on their jobs, by actor. Null: nothing that is billed. */
export interface Measured {
	turns: Turn[];
	spent: Ledger | null;
}

/** Submissions that do nothing but insert. */
export interface BareTurn {
	submitMs: number[];
	idle: Pick<Idle, "submitMs">;
}

export interface Turns {
	systems: Map<string, Measured>;
	bareInserts: BareTurn[];
}

export async function takeTurns(
	systems: [holdfast: WorkerSystem, ...peers: System[]],
	upstreams: Upstreams,
	load: Load,
	print: (line: string) => void,
): Promise<Turns> {
	const bareInsertInto = await bareInsert(systems[0], upstreams);
	const bareInserts: Turns["bareInserts"] = [];
	const turns = new Map<System, Turn[]>();
	const before = new Map<System, Ledger | null>();
	for (const system of systems) {
		// The first jobs find everything cold, which is another question.
		await turnOf(system, upstreams, load);
		turns.set(system, []);
		before.set(system, await system.atRest());
	}
	for (let round = 1; round <= load.rounds; round++) {
		for (const system of systems) {
			const turn = await turnOf(system, upstreams, load);
			turns.get(system)?.push(turn);
			print(`round ${round}: ${system.name} ${rounded(turn.jobsPerSecond)} jobs/s`);
		}
		bareInserts.push(await bareTurnOf(systems[0], bareInsertInto, load));
	}
	const measured = new Map<string, Measured>();
	for (const system of systems) {
		const after = await system.atRest();
		const spent = after === null ? null : between(before.get(system) ?? {}, after);
		measured.set(system.name, { turns: turns.get(system) ?? [], spent });
	}
	return { systems: measured, bareInserts };
}

async function turnOf(system: System, upstreams: Upstreams, load: Load): Promise<Turn> {
	const cpuMsBefore = system.cpuMs();
	const { jobsPerSecond, submitMs } = await throughputOf(system, upstreams, load);
	await system.atRest();
	const cpuMsPerJob = (system.cpuMs() - cpuMsBefore) / load.jobs;
	const idle = await idleOf(system, upstreams, load.idleJobs);
	return { jobsPerSecond, cpuMsPerJob, submitMs, idle };
}

async function bareTurnOf({ atRest }: System, insert: System["submission"], load: Load): Promise<BareTurn> {
	const tags = Array.from({ length: load.jobs }, () => newTag("bare"));
	const submitMs = await submitMany(insert, tags, load.atOnce);
	const idleSubmitMs: number[] = [];
	for (let made = 0; made < load.idleJobs; made++) {
		idleSubmitMs.push(await submitOnce(insert, newTag("bare")));
		await atRest();
	}
	return { submitMs, idle: { submitMs: idleSubmitMs } };
}
