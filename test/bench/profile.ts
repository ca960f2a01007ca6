/** Where the service's own CPU goes under the throughput run's load. */
import { writeFileSync } from "node:fs";
import { hottest, profileDuring } from "./inspector.ts";
import { throughputOf } from "./load.ts";
import { rounded } from "./statistics.ts";
import { startHoldfast } from "./systems.ts";
import type { Finding, Workbench } from "./workbench.ts";

const SHOWN = 40;

/** Also written as a file that browsers' developer tools open. */
export async function profile({ load, upstreams, start }: Workbench): Promise<Finding> {
	const holdfast = await start(startHoldfast);
	await throughputOf(holdfast, upstreams, load);
	const cpuMsBefore = holdfast.engine.cpuMs();
	const jobs = load.jobs * load.rounds;
	const taken = await profileDuring(holdfast.engine.inspectorPort, () =>
		throughputOf(holdfast, upstreams, { ...load, jobs }),
	);
	const cpuMs = holdfast.engine.cpuMs() - cpuMsBefore;
	writeFileSync("bench.cpuprofile", JSON.stringify(taken));
	const { busyMs, top } = hottest(taken, SHOWN);
	return {
		json: { jobs, cpu_ms: cpuMs, busy_ms: rounded(busyMs), top },
		lines: [
			`${jobs} jobs: workerd ${rounded(cpuMs / jobs)} ms of CPU a job, ${rounded(busyMs / jobs)} of them in the Worker's JavaScript`,
			...top.map(({ where, selfMs, share }) => `${rounded(selfMs)} ms ${rounded(100 * share)} % ${where}`),
		],
	};
}
