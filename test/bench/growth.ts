/** The same questions to few jobs and to many: what they read must not depend on how many there are. */

import { getJson } from "./engine.ts";
import { copiedJobId, copyJobs, templatesOf } from "./fill.ts";
import { between, type Ledger } from "./ledger.ts";
import { newTag, submitOnce } from "./load.ts";
import { median, rounded } from "./statistics.ts";
import { startHoldfast, type WorkerSystem } from "./systems.ts";
import type { Upstreams } from "./upstreams.ts";
import type { Finding, Workbench } from "./workbench.ts";

const FEW = 1_000;
const MANY = 1_000_000;
const TIMES = 20;
const DAY_MS = 86_400_000;
const D1_BYTES_MAX = 10_000_000_000;

/** Every fiftieth is queued for some later day; the others are final, and pruned some day to come. */
const QUEUED_SHARE = 50;
/** Every second one is the asking tenant's; the rest belong to nineteen others. */
const TENANT = (own: string) => `iif(n.i % 2 = 0, '${own}', 'ten_other' || (n.i % 19))`;

/** By what was asked: rows read each time, and the median of the milliseconds it took. */
type Answers = Record<string, { rows_read: number; ms: number }>;

export async function growth({ upstreams, start, print }: Workbench): Promise<Finding> {
	const holdfast = await start(startHoldfast);
	const { engine } = holdfast;
	const seeds = await seedsOf(holdfast, upstreams);
	await fill(holdfast, seeds, 0, FEW, print);
	const { bytes: bytesFew } = await engine.sql("SELECT 1");
	const few = await ask(holdfast, upstreams, FEW / 2);
	await fill(holdfast, seeds, FEW, MANY, print);
	const { bytes: bytesMany } = await engine.sql("SELECT 1");
	const many = await ask(holdfast, upstreams, MANY / 2);
	const bytesPerJob = (bytesMany - bytesFew) / (MANY - FEW);
	return {
		json: { few: FEW, many: MANY, asked: { few, many }, bytes_per_job: rounded(bytesPerJob) },
		lines: [
			`${"".padEnd(70)} rows read: ${FEW} / ${MANY} jobs    ms`,
			...Object.keys({ ...few, ...many }).map((what) => line(what, few[what], many[what])),
			`${rounded(bytesPerJob)} bytes a job with its delivery: 10 GB hold ${rounded(D1_BYTES_MAX / bytesPerJob / 1e6)} million`,
		],
	};
}

function line(what: string, few: Answers[string] | undefined, many: Answers[string] | undefined): string {
	const isEqual = few?.rows_read === many?.rows_read;
	return [
		what.padEnd(70),
		`${few?.rows_read ?? "-"} / ${many?.rows_read ?? "-"}`.padStart(16),
		isEqual ? "  same  " : "  DIFFER",
		`${few?.ms ?? "-"} / ${many?.ms ?? "-"}`.padStart(16),
	].join(" ");
}

interface Seeds {
	ended: Awaited<ReturnType<typeof templatesOf>>;
	queued: Awaited<ReturnType<typeof templatesOf>>;
}

/** One job that has gone the whole way, and one that waits for another day. */
async function seedsOf({ engine, submission }: WorkerSystem, upstreams: Upstreams): Promise<Seeds> {
	const tag = newTag("seed");
	await submitOnce(submission, tag);
	await upstreams.arrival(tag);
	await engine.quietLedger();
	const { results } = await engine.sql<{ id: string }>("SELECT id FROM jobs WHERE status = 'succeeded' LIMIT 1");
	const { url, init } = submission(newTag("seed"));
	const later = { ...JSON.parse(String(init.body)), delay_seconds: (2 * DAY_MS) / 1000 };
	const { id } = await getJson<{ id: string }>(url, { ...init, body: JSON.stringify(later) });
	return { ended: await templatesOf(engine, results[0]?.id ?? ""), queued: await templatesOf(engine, id) };
}

async function fill(
	{ engine }: WorkerSystem,
	{ ended, queued }: Seeds,
	from: number,
	to: number,
	print: (line: string) => void,
) {
	const own = String(ended.job.tenant_id);
	const queuedTo = from + Math.floor((to - from) / QUEUED_SHARE);
	const tenant = { tenant_id: TENANT(own) };
	const startedAt = performance.now();
	const later = (column: string) => `${queued.job[column]} + (n.i * 7919) % ${20 * DAY_MS}`;
	const waiting = { ...tenant, run_at: later("run_at"), sweep_at: later("run_at"), deadline_at: later("deadline_at") };
	await copyJobs(engine, queued, { from, to: queuedTo }, { job: waiting, delivery: {} });
	const earlier = (column: string) => `${ended.job[column]} - (n.i * 7919) % ${29 * DAY_MS}`;
	const times = Object.keys(ended.job).filter((column) => column.endsWith("_at") && ended.job[column] !== null);
	const past = { ...tenant, ...Object.fromEntries(times.map((column) => [column, earlier(column)])) };
	await copyJobs(engine, ended, { from: queuedTo, to }, { job: past, delivery: tenant });
	print(`${to} jobs are stored, the last ${to - from} in ${rounded((performance.now() - startedAt) / 1000)} s`);
}

/** @param middle a job of the asking tenant that as many are older as younger than */
async function ask(holdfast: WorkerSystem, upstreams: Upstreams, middle: number): Promise<Answers> {
	const { engine, submission } = holdfast;
	const { url, init } = submission("");
	const headers = new Headers(init.headers);
	const get = (path: string) => async () => void (await getJson(`${url}${path}`, { headers }));
	const run = async () => {
		const tag = newTag("growth");
		await submitOnce(submission, tag);
		await upstreams.arrival(tag);
	};
	const questions: Record<string, () => Promise<void>> = {
		run,
		poll: get(`/${copiedJobId(middle)}`),
		list: get("?limit=20"),
		"deep page": get(`?limit=20&after=${copiedJobId(middle)}`),
		"list by status": get("?limit=20&status=failed"),
		sweep: async () => void (await (await fetch(`${engine.url}/cdn-cgi/local/scheduled?cron=*+*+*+*+*`)).text()),
	};
	const answers: Answers = {};
	for (const [what, question] of Object.entries(questions))
		Object.assign(answers, await askOften(holdfast, what, question));
	return answers;
}

/** A run is reported call by call, by actor; a query as a whole. */
async function askOften({ engine }: WorkerSystem, what: string, question: () => Promise<void>): Promise<Answers> {
	await question();
	const before = await engine.quietLedger();
	const took: number[] = [];
	for (let time = 0; time < TIMES; time++) {
		const startedAt = performance.now();
		await question();
		took.push(performance.now() - startedAt);
	}
	const spent = between(before, await engine.quietLedger());
	if (what === "run") return byCall(spent);
	const actor = what === "sweep" ? "sweeper" : "intake";
	return { [what]: { rows_read: (spent[actor]?.spent.rowsRead ?? 0) / TIMES, ms: rounded(median(took)) } };
}

function byCall(spent: Ledger): Answers {
	const calls = Object.entries(spent).flatMap(([actor, { d1 }]) =>
		actor === "sweeper" ? [] : Object.entries(d1).map(([what, call]) => ({ what: `${actor}: ${what}`, call })),
	);
	return Object.fromEntries(
		calls.map(({ what, call }) => [
			what,
			{ rows_read: call.rowsRead / call.calls, ms: rounded(call.sqlMs / call.calls) },
		]),
	);
}
