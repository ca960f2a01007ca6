/** Changes jobs: those that are named, or all that a filter finds. */
import type { Command } from "commander";
import { type ApiError, Conflict, InvalidRequest, NotFound } from "../../errors.ts";
import type { Holdfast, JobFilters } from "../../index.ts";
import type { Job } from "../../schemas.ts";
import { count, duration, list, pair } from "../arguments.ts";
import { exitCodeOf, UsageError } from "../exit-codes.ts";
import type { Column } from "../output.ts";
import { ageOf, first, timeOf } from "../rows.ts";
import type { CliSession } from "../session.ts";

export const JOBS: Column<Job>[] = [
	{ title: "ID", of: ({ id }) => id },
	{ title: "STATUS", of: ({ status }) => status, style: ({ status }) => STYLES[status] },
	{ title: "MODEL", of: ({ model }) => model, isCuttable: true },
	{ title: "ATTEMPT", shortTitle: "TRY", of: ({ attempt, max_attempts }) => `${attempt}/${max_attempts}` },
	{
		title: "CREATED",
		shortTitle: "AGE",
		of: ({ created_at }) => timeOf(created_at),
		short: ({ created_at }) => ageOf(created_at),
	},
	{ title: "ERROR", of: ({ error, status_reason }) => error?.code ?? status_reason ?? "", isCuttable: true },
];

const STYLES = {
	queued: undefined,
	running: "yellow",
	succeeded: "green",
	failed: "red",
	cancelled: "dim",
	expired: "red",
} as const;

/** How many are changed at a time. With more, the service's rate limit would refuse some. */
const AT_ONCE = 8;

export interface FilterFlags {
	status?: string[];
	since?: number;
	model?: string;
	meta?: Record<string, string>;
	limit?: number;
}

export interface BulkFlags extends FilterFlags {
	yes?: boolean;
	dryRun?: boolean;
}

export interface Action {
	/** Such as `cancel`. */
	name: string;
	/** Such as `Cancelled`. */
	past: string;
	/** Of the jobs that it is for. */
	statuses: Job["status"][];
	/** Of the jobs that a filter without a status finds. All of `statuses` by default. */
	byDefault?: Job["status"][];
	/** What is printed of the job. */
	change(holdfast: Holdfast, id: string): Promise<{ id: string }>;
}

export function filterFlags(command: Command): Command {
	return command
		.option("--status <states>", "one, or several between commas", list)
		.option("--since <time>", "created in the last 24h, 7d …", duration)
		.option("--model <name>")
		.option("--meta <key=value>", "repeatable", pair);
}

export function bulkFlags(command: Command): Command {
	return filterFlags(command)
		.option("--limit <n>", "how many at most, newest first", count)
		.option("--yes", "do not ask")
		.option("--dry-run", "show the jobs that would be changed");
}

/** The service validates it, and says what is wrong. */
export function filtersOf({ status, since, model, meta, limit = 100 }: FilterFlags): JobFilters {
	return {
		...(status === undefined ? {} : { status: status as Job["status"][] }),
		...(since === undefined ? {} : { createdAfter: new Date(Date.now() - since) }),
		...(model === undefined ? {} : { model }),
		...(meta === undefined ? {} : { metadata: meta }),
		limit: Math.min(limit, 100),
	};
}

export async function changeJobs(session: CliSession, action: Action, ids: string[], flags: BulkFlags): Promise<void> {
	const { yes, dryRun, limit, ...filter } = flags;
	const isFiltered = Object.keys(filter).some((name) => ["status", "since", "model", "meta"].includes(name));
	if (ids.length > 0 && (isFiltered || dryRun || limit !== undefined))
		throw new UsageError("Name the jobs by their ids or by a filter, not by both.");
	if (ids.length === 0 && !isFiltered)
		throw new UsageError(`Name ids, or a filter: holdfast jobs ${action.name} --status … --since 24h --dry-run`);
	const holdfast = session.connect();
	if (ids.length > 0) {
		for (const id of ids) session.out.object(await action.change(holdfast, id));
		return;
	}
	const jobs = await matching(session, holdfast, action, flags);
	const found = `${jobs.length.toLocaleString("en")} ${jobs.length === 1 ? "job matches" : "jobs match"}`;
	if (dryRun || jobs.length === 0) {
		if (jobs.length > 0) await session.out.rows(jobs, JOBS);
		session.out.note(`${found}. Nothing was changed.`);
		return;
	}
	await session.confirm(`${found} the filter: ${action.name} ${jobs.length === 1 ? "it" : "all of them"}?`, yes);
	await changeAll(session, holdfast, action, jobs);
}

/** All of them, before the first is changed: retries make new jobs. */
async function matching(session: CliSession, holdfast: Holdfast, action: Action, flags: BulkFlags): Promise<Job[]> {
	const { status = action.byDefault ?? action.statuses } = flags;
	const others = status.filter((one) => !action.statuses.some((known) => known === one));
	if (others.length > 0)
		throw new UsageError(
			`Jobs to ${action.name} are ${action.statuses.join(" or ")}: --status cannot be ${others.join(",")}.`,
		);
	const filters = filtersOf({ ...flags, status });
	const jobs: Job[] = [];
	for await (const job of first(flags.limit ?? Number.POSITIVE_INFINITY, holdfast.jobs.list(filters))) {
		jobs.push(job);
		if (jobs.length % 100 === 0) session.stderr.redraw(`${jobs.length.toLocaleString("en")} jobs found`);
	}
	session.stderr.redraw("");
	return jobs;
}

type Changed = { id: string } & ({ error?: never } | { error: { code: string; message: string } });

async function changeAll(session: CliSession, holdfast: Holdfast, action: Action, jobs: Job[]): Promise<void> {
	let done = 0;
	const refusals: ApiError[] = [];
	const change = async (job: Job): Promise<Changed> => {
		try {
			const changed = await action.change(holdfast, job.id);
			done += 1;
			return { ...changed };
		} catch (error) {
			if (!isOfOneJob(error)) throw error;
			refusals.push(error);
			return { id: job.id, error: { code: error.code, message: error.message } };
		} finally {
			session.stderr.redraw(`${(done + refusals.length).toLocaleString("en")} of ${jobs.length.toLocaleString("en")}`);
		}
	};
	async function* changes() {
		for (let at = 0; at < jobs.length; at += AT_ONCE) {
			const outcomes = await Promise.allSettled(jobs.slice(at, at + AT_ONCE).map(change));
			for (const one of outcomes) if (one.status === "fulfilled") yield one.value;
			const failed = outcomes.find((one) => one.status === "rejected");
			if (failed !== undefined) throw failed.reason;
		}
		session.stderr.redraw("");
	}
	const say = () =>
		session.out.note(`${action.past} ${done.toLocaleString("en")} of ${jobs.length.toLocaleString("en")} jobs.`);
	try {
		await session.out.rows(changes(), action.name === "retry" ? [...CHANGED, OF] : CHANGED);
	} finally {
		session.stderr.redraw("");
		say();
	}
	const [refusal] = refusals;
	if (refusal === undefined) return;
	session.out.note(`${refusals.length} were refused, the first because: ${refusal.message}`);
	session.exitCode = exitCodeOf(refusal);
}

const OF: Column<Changed> = { title: "RETRIES", of: (job) => ("retry_of" in job ? `${job.retry_of}` : "") };
const CHANGED: Column<Changed>[] = [
	{ title: "ID", of: ({ id }) => id },
	{ title: "STATUS", of: (job) => ("status" in job ? `${job.status}` : "deleted" in job ? "deleted" : "") },
	{ title: "ERROR", of: ({ error }) => error?.code ?? "" },
];

/** Others would meet the next job too. */
function isOfOneJob(error: unknown): error is ApiError {
	return error instanceof Conflict || error instanceof NotFound || error instanceof InvalidRequest;
}
