/** What the turns came to: figures for each system, their ratios, and a table to read. */
import {
	bytesLogged,
	dollarsPerMillion,
	type Ledger,
	logDollarsPerMillion,
	perJob,
	queueOps,
	type Spent,
	totalOf,
} from "./ledger.ts";
import type { Idle } from "./load.ts";
import { PRICES_READ_ON } from "./prices.ts";
import { median, quantile, rounded } from "./statistics.ts";
import type { BareTurn, Load, Measured, Turn, Turns } from "./turns.ts";

export interface Report {
	load: Load;
	prices_read_on: string;
	/** Those of one system may be fewer than of another. */
	systems: Record<string, Record<string, number>>;
	bare_insert: Record<string, number>;
	/** Medians of the ratios within each round: holdfast's figure by the other's. */
	ratios: Record<string, number>;
	/** Of holdfast: what each actor spent on a job. */
	actors: Record<string, Record<string, number>>;
	notes: string[];
}

export function reportOf({ systems, bareInserts }: Turns, load: Load, notes: string[]): Report {
	const holdfast = systems.get("holdfast");
	if (holdfast === undefined) throw new Error("holdfast took no turns");
	const jobs = load.rounds * (load.jobs + load.idleJobs);
	const figures = new Map([...systems].map(([name, measured]) => [name, figuresOf(name, measured, jobs)]));
	const dollars = (name: string) => figures.get(name)?.dollars_per_million_jobs;
	const ratios: Report["ratios"] = {};
	for (const [name, { turns }] of systems) {
		if (name === "holdfast") continue;
		const ratio = ratioTo<Turn>(holdfast.turns, turns);
		ratios[`jobs_per_second_to_${name}`] = ratio(({ jobsPerSecond }) => jobsPerSecond);
		ratios[`idle_overhead_p50_to_${name}`] = ratio(({ idle }) => median(idle.overheadMs));
		ratios[`cpu_ms_to_${name}`] = ratio(({ cpuMsPerJob }) => cpuMsPerJob);
		const [ours, theirs] = [dollars("holdfast"), dollars(name)];
		if (ours !== undefined && theirs !== undefined) ratios[`dollars_to_${name}`] = ours / theirs;
	}
	const toInsert = ratioTo<BareTurn>(holdfast.turns, bareInserts);
	ratios.submit_p50_to_bare_insert = toInsert(({ submitMs }) => median(submitMs));
	ratios.idle_submit_p50_to_bare_insert = toInsert(({ idle }) => median(idle.submitMs));
	return {
		load,
		prices_read_on: PRICES_READ_ON,
		systems: Object.fromEntries([...figures].map(([name, values]) => [name, roundedAll(values)])),
		bare_insert: roundedAll(submitFigures(bareInserts)),
		ratios: roundedAll(ratios),
		actors: actorsOf(holdfast.spent ?? {}, jobs),
		notes,
	};
}

function figuresOf(name: string, { turns, spent }: Measured, jobs: number): Record<string, number> {
	const cpuMs = median(turns.map(({ cpuMsPerJob }) => cpuMsPerJob));
	const idle = (part: keyof Idle) => turns.flatMap((turn) => turn.idle[part]);
	return {
		...(spent === null ? {} : billFor(perJob(totalOf(spent), jobs), cpuMs, name !== "holdfast")),
		jobs_per_second: median(turns.map(({ jobsPerSecond }) => jobsPerSecond)),
		...submitFigures(turns),
		idle_overhead_p50_ms: median(idle("overheadMs")),
		idle_overhead_p99_ms: quantile(idle("overheadMs"), 0.99),
		idle_to_model_p50_ms: median(idle("toModelMs")),
		idle_to_webhook_p50_ms: median(idle("toWebhookMs")),
		cpu_ms_per_job: cpuMs,
	};
}

/**
 * `wrangler.toml` turns invocation logs off, and the peers have them as is the default.
 * Of what no platform counts there is no figure: a zero would say that it was counted, and is free.
 */
function billFor(each: Spent, cpuMs: number, logsInvocations: boolean): Record<string, number> {
	const logged = bytesLogged(each, logsInvocations);
	return {
		rows_written_per_job: each.rowsWritten,
		rows_read_per_job: each.rowsRead,
		d1_calls_per_job: each.d1Calls,
		d1_statements_per_job: each.d1Statements,
		queue_ops_per_job: queueOps(each),
		r2_class_a_per_job: each.r2ClassA,
		r2_class_b_per_job: each.r2ClassB,
		invocations_per_job: each.invocations,
		workflow_steps_per_job: each.workflowSteps,
		dollars_per_million_jobs: dollarsPerMillion(each, cpuMs),
		log_lines_per_job: each.logLines,
		log_bytes_per_job: logged,
		dollars_for_logs_per_million_jobs: logDollarsPerMillion(logged),
	};
}

function submitFigures(turns: readonly BareTurn[]): Record<string, number> {
	const submitMs = turns.flatMap((turn) => turn.submitMs);
	return {
		submit_p50_ms: median(submitMs),
		submit_p99_ms: quantile(submitMs, 0.99),
		idle_submit_p50_ms: median(turns.flatMap(({ idle }) => idle.submitMs)),
	};
}

/** Round by round, so that a slow minute of the machine counts on both sides. */
function ratioTo<T>(ours: readonly (Turn & T)[], theirs: readonly T[]) {
	return (value: (turn: T) => number) =>
		median(theirs.map((their, round) => (ours[round] === undefined ? Number.NaN : value(ours[round]) / value(their))));
}

function actorsOf(spent: Ledger, jobs: number): Report["actors"] {
	return Object.fromEntries(
		Object.entries(spent).map(([actor, account]) => [actor, roundedAll({ ...perJob(account.spent, jobs) })]),
	);
}

function roundedAll(values: Record<string, number>): Record<string, number> {
	return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, rounded(value)]));
}

export function tableOf(report: Report): string[] {
	const names = Object.keys(report.systems);
	const rows = Object.keys(report.systems[names[0] ?? ""] ?? {});
	const width = 14;
	const line = (first: string, cells: readonly (string | number | undefined)[]) =>
		first.padEnd(40) + cells.map((cell) => String(cell ?? "").padStart(width + 4)).join("");
	return [
		line("", [...names, "bare insert"]),
		...rows.map((row) => line(row, [...names.map((name) => report.systems[name]?.[row]), report.bare_insert[row]])),
		"",
		...Object.entries(report.ratios).map(([name, value]) => line(`holdfast: ${name}`, [value])),
		"",
		...Object.entries(report.actors).map(([actor, spent]) => `${actor}: ${wordsOf(spent)}`),
		"",
		...report.notes,
	];
}

function wordsOf(spent: Record<string, number>): string {
	const some = Object.entries(spent).filter(([, count]) => count > 0);
	return some.map(([name, count]) => `${name} ${count}`).join(", ");
}
