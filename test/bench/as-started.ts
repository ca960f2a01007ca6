/**
 * The service as `npm start` runs it, beside its peers as `wrangler dev` runs them: nothing is counted, and each logs what it
 * logs by default. What a newcomer sees, and what the figures of the engine leave out.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ServiceProcess } from "../chaos/service-process.ts";
import { freePort } from "../support/ports.ts";
import { throughputOf } from "./load.ts";
import { median, rounded } from "./statistics.ts";
import { modelRoutesTo, startStraightforward, startWorkflows, submissionTo } from "./systems.ts";
import type { Upstreams } from "./upstreams.ts";
import type { Finding, Started, Workbench } from "./workbench.ts";

const AT_ONCE = 16;

/** Jobs a second, by the peer's: what the service has to reach. */
const LEAST_RATIOS = { straightforward: 1, workflows: 1.5 };

interface AsStarted {
	at_once: number;
	/** Medians of all rounds. */
	jobs_per_second: Record<string, number>;
	/** Medians of the ratios within each round. */
	npm_start_to: Record<string, number>;
}

export async function measureAsStarted({ load, upstreams, start, print }: Workbench): Promise<AsStarted> {
	const npmStart = await start(startNpmStart);
	const peers = [
		await start((...given) => startStraightforward(...given, "plain")),
		await start((...given) => startWorkflows(...given, "plain")),
	];
	const all = new Map([npmStart, ...peers].map((system) => [system, [] as number[]]));
	// The first round finds everything cold, and does not count.
	for (let round = 0; round <= load.rounds; round++) {
		for (const [system, results] of all) {
			const { jobsPerSecond } = await throughputOf(system, upstreams, { jobs: load.jobs, atOnce: AT_ONCE });
			if (round === 0) continue;
			results.push(jobsPerSecond);
			print(`as started, round ${round}: ${system.name} ${rounded(jobsPerSecond)} jobs/s`);
		}
	}
	const ours = all.get(npmStart) ?? [];
	const ratioTo = (theirs: number[]) => median(theirs.map((their, at) => (ours[at] ?? Number.NaN) / their));
	return {
		at_once: AT_ONCE,
		jobs_per_second: Object.fromEntries([...all].map(([{ name }, results]) => [name, rounded(median(results))])),
		npm_start_to: Object.fromEntries(peers.map((peer) => [peer.name, rounded(ratioTo(all.get(peer) ?? []))])),
	};
}

/** By itself, without the engine's figures. */
export async function start(workbench: Workbench): Promise<Finding> {
	const asStarted = await measureAsStarted(workbench);
	return { json: { load: workbench.load, as_started: asStarted }, lines: linesOf(asStarted) };
}

export function linesOf({ at_once, jobs_per_second, npm_start_to }: AsStarted): string[] {
	return [
		`as started, ${at_once} callers, default logs: ${listed(jobs_per_second)} jobs a second`,
		...Object.entries(LEAST_RATIOS).map(
			([peer, least]) => `npm start to ${peer}: ${npm_start_to[peer]} (at least ${least})`,
		),
	];
}

const listed = (values: Record<string, number>) =>
	Object.entries(values)
		.map(([name, value]) => `${name} ${value}`)
		.join(", ");

async function startNpmStart(upstreams: Upstreams, scratch: string): Promise<Started> {
	const stateDir = join(scratch, "npm-start");
	mkdirSync(stateDir, { recursive: true });
	const service = new ServiceProcess({
		stateDir,
		logPath: join(stateDir, "output.log"),
		port: await freePort(),
		environment: { MODEL_ROUTES: modelRoutesTo(upstreams), DEFAULT_MODEL: "bench/model" },
	});
	await service.start();
	const { key } = JSON.parse(readFileSync(join(stateDir, "development-key.json"), "utf8"));
	return {
		name: "npm-start",
		submission: submissionTo(`${service.url}/v1/jobs`, upstreams, { authorization: `Bearer ${key}` }),
		async stop() {
			await service.stop();
			rmSync(stateDir, { recursive: true, force: true });
		},
	};
}
