/** Twenty thousand jobs that a queue forgot: the sweeper redispatches for them, and they drain. */
import { setTimeout as sleep } from "node:timers/promises";
import { tickSweeper } from "../../scripts/lib/sweeper-tick.ts";
import { getJson } from "./engine.ts";
import { copyJobs, templatesOf } from "./fill.ts";
import { heapBytes } from "./inspector.ts";
import { between, perJob, queueOps, totalOf } from "./ledger.ts";
import { newTag } from "./load.ts";
import { rounded } from "./statistics.ts";
import { startHoldfast, type WorkerSystem } from "./systems.ts";
import type { Upstreams } from "./upstreams.ts";
import type { Finding, Workbench } from "./workbench.ts";

const JOBS = 20_000;
const STEP = 1_000;
/** As under `npm start`. */
const SWEEP_SECONDS = 5;
const GIVE_UP_MS = 40 * 60_000;

/** What the jobs since the step before came to, each. */
interface Step {
	done: number;
	jobs_per_second: number;
	cpu_ms_per_job: number;
	rows_read_per_job: number;
	rows_written_per_job: number;
	queue_ops_per_job: number;
	/** Of the local engine with all it simulates; and of the Worker's own isolate. */
	resident_mb: number;
	heap_mb: number;
}

export async function backlog({ upstreams, start, print }: Workbench): Promise<Finding> {
	const holdfast = await start(startHoldfast);
	await fillQueue(holdfast);
	print(`${JOBS} jobs are queued, without a message`);
	const stopTicking = tickSweeper(holdfast.engine.url, SWEEP_SECONDS, () => undefined);
	try {
		const steps = await drain(holdfast, upstreams, print);
		return { json: { jobs: JOBS, steps }, lines: steps.map((step) => JSON.stringify(step)) };
	} finally {
		stopTicking();
	}
}

async function fillQueue({ engine, submission }: WorkerSystem): Promise<void> {
	const tag = newTag("backlog");
	const { url, init } = submission(tag);
	const later = { ...JSON.parse(String(init.body)), delay_seconds: 86_400 };
	const { id } = await getJson<{ id: string }>(url, { ...init, body: JSON.stringify(later) });
	const templates = await templatesOf(engine, id);
	const tagged = (column: "input" | "webhook") =>
		`replace('${String(templates.job[column]).replaceAll("'", "''")}', '${tag}', 'drained-' || n.i)`;
	const at = String(templates.job.created_at);
	const due = { run_at: at, sweep_at: at, input: tagged("input"), webhook: tagged("webhook") };
	await copyJobs(engine, templates, { from: 0, to: JOBS }, { job: due, delivery: {} });
}

async function drain({ engine }: WorkerSystem, upstreams: Upstreams, print: (line: string) => void): Promise<Step[]> {
	const look = async () => ({
		at: performance.now(),
		done: upstreams.received,
		cpuMs: engine.cpuMs(),
		ledger: await engine.ledger(),
	});
	const steps: Step[] = [];
	const giveUpAt = performance.now() + GIVE_UP_MS;
	for (let before = await look(); before.done < JOBS; await sleep(20)) {
		if (performance.now() > giveUpAt) throw new Error(`only ${upstreams.received} jobs were done in time`);
		if (upstreams.received < Math.min(JOBS, before.done + STEP)) continue;
		const now = await look();
		const jobs = now.done - before.done;
		const spent = perJob(totalOf(between(before.ledger, now.ledger), []), jobs);
		const step: Step = {
			done: now.done,
			jobs_per_second: rounded((1000 * jobs) / (now.at - before.at)),
			cpu_ms_per_job: rounded((now.cpuMs - before.cpuMs) / jobs),
			rows_read_per_job: rounded(spent.rowsRead),
			rows_written_per_job: rounded(spent.rowsWritten),
			queue_ops_per_job: rounded(queueOps(spent)),
			resident_mb: rounded(engine.residentBytes() / 1e6),
			heap_mb: rounded((await heapBytes(engine.inspectorPort)) / 1e6),
		};
		print(
			`${step.done} done, ${step.jobs_per_second}/s, ${step.cpu_ms_per_job} ms of CPU each, ${step.resident_mb} MB, of which ${step.heap_mb} MB are the Worker's`,
		);
		steps.push(step);
		before = await look();
	}
	return steps;
}
