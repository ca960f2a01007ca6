/** `holdfast ask` and `holdfast jobs`. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { Include } from "../../jobs.ts";
import { isFinal } from "../../jobs.ts";
import type { Job, RetryJob, SubmitJob } from "../../schemas.ts";
import { count, duration, jsonOrText, list, modelsOf, pair } from "../arguments.ts";
import { EXIT } from "../exit-codes.ts";
import { first } from "../rows.ts";
import type { CliSession } from "../session.ts";
import {
	type Action,
	type BulkFlags,
	bulkFlags,
	changeJobs,
	type FilterFlags,
	filterFlags,
	filtersOf,
	JOBS,
} from "./bulk.ts";

/** How many jobs are waited for at a time. With more, the service's rate limit would refuse some. */
const WAITS_MAX = 16;

type Begin = () => CliSession;

export function addAsk(program: Command, begin: Begin): void {
	program
		.command("ask")
		.description("run one job, and print its answer")
		.argument("<prompt>", "text, @file, or - for stdin")
		.option("-m, --model <models>", "one, or up to four between commas", list)
		.option("--system <text>", "text, or @file")
		.option("--timeout <time>", "how long to wait, such as 5m; the job goes on", duration)
		.action(async (prompt: string, flags: { model?: string[]; system?: string; timeout?: number }) => {
			const session = begin();
			const { out } = session;
			const system =
				flags.system === undefined ? [] : [{ role: "system" as const, content: await session.read(flags.system) }];
			const messages = [...system, { role: "user" as const, content: await session.read(prompt) }];
			const job: SubmitJob = {
				input: { messages },
				...(flags.model === undefined ? {} : { model: modelsOf(flags.model) }),
			};
			const { text, completion, job: ended } = await session.connect().jobs.run(job, { timeoutMs: flags.timeout });
			if (program.opts().json === true) out.object({ ...ended, result: completion });
			else out.text(text);
		});
}

export function addJobs(program: Command, begin: Begin): void {
	const jobs = program.command("jobs").description("submit, read, list and end jobs");
	addReading(jobs, begin);
	addChanging(jobs, begin);
	addListing(jobs, begin);
}

function addReading(jobs: Command, begin: Begin): void {
	jobs
		.command("get <id>")
		.option("--include <parts>", "input, result, attempts, deliveries", list)
		.action(async (id: string, flags: { include?: Include[] }) => {
			const session = begin();
			session.out.object(await session.connect().jobs.get(id, { include: flags.include ?? [] }));
		});
	jobs
		.command("result <id>")
		.description("the stored completion")
		.option("-o, --output <file>", "write it there")
		.action(async (id: string, { output }: { output?: string }) => {
			const session = begin();
			const result = await session.connect().jobs.result(id);
			if (output === undefined) session.out.object(result);
			else await writeFile(output, `${JSON.stringify(result)}\n`);
		});
	jobs
		.command("wait <ids...>")
		.description("print each job as soon as it is final")
		.option("--timeout <time>", "how long to wait for all, such as 5m; the jobs go on", duration)
		.action(async (ids: string[], flags: { timeout?: number }) => await waitForAll(begin(), ids, flags.timeout));
	jobs
		.command("watch <id>")
		.description("print the job after each change, until it is final")
		.action(async (id: string) => {
			const session = begin();
			for await (const job of session.connect().jobs.watch(id)) noteEnd(session, job);
		});
}

/** Throws the first failure, once all other jobs are printed, and of several jobs says which have failed. */
async function waitForAll(session: CliSession, ids: string[], timeoutMs = Number.POSITIVE_INFINITY): Promise<void> {
	const { jobs } = session.connect();
	const endAt = Date.now() + timeoutMs;
	const left = [...ids];
	const failures: unknown[] = [];
	const takeTurns = async () => {
		for (let id = left.shift(); id !== undefined; id = left.shift()) {
			try {
				noteEnd(session, await jobs.wait(id, { timeoutMs: endAt - Date.now() }));
			} catch (error) {
				failures.push(error);
				if (ids.length === 1 || session.surroundings.signal.aborted) continue;
				session.stderr.write(`${id}: ${error instanceof Error ? error.message : error}\n`, "red");
			}
		}
	};
	await Promise.all(Array.from({ length: WAITS_MAX }, takeTurns));
	if (failures.length > 0) throw failures[0];
}

function noteEnd(session: CliSession, job: Job): void {
	session.out.object(job);
	if (isFinal(job) && job.status !== "succeeded") session.exitCode = EXIT.jobNotSucceeded;
}

function addChanging(jobs: Command, begin: Begin): void {
	jobs
		.command("submit <job>")
		.description("@job.json, - for stdin, or JSON")
		.option("--idempotency-key <key>")
		.action(async (argument: string, flags: { idempotencyKey?: string }) => {
			const session = begin();
			// The service validates it, and says what is wrong with it.
			const job = (await session.readJson(argument)) as SubmitJob;
			session.out.object(await session.connect().jobs.submit(job, flags));
		});
	bulkFlags(jobs.command("cancel [ids...]").description("by ids, or all queued and running ones of a filter")).action(
		async (ids: string[], flags: BulkFlags) => await changeJobs(begin(), CANCEL, ids, flags),
	);
	bulkFlags(jobs.command("retry [ids...]"))
		.description("run final jobs again, as new ones: by ids, or all failed and expired ones of a filter")
		.option("--set <field=json>", "replaces a field of the submission; repeatable", pair)
		.action(async (ids: string[], { set = {}, ...flags }: BulkFlags & { set?: Record<string, string> }) => {
			const overrides: RetryJob = Object.fromEntries(
				Object.entries(set).map(([name, text]) => [name, jsonOrText(text)]),
			);
			await changeJobs(begin(), retryWith(overrides), ids, flags);
		});
	bulkFlags(jobs.command("delete [ids...]"))
		.description("erase final jobs with all their data: by ids, or all of a filter")
		.action(async (ids: string[], flags: BulkFlags) => await changeJobs(begin(), DELETE, ids, flags));
}

const CANCEL: Action = {
	name: "cancel",
	past: "Cancelled",
	statuses: ["queued", "running"],
	change: async ({ jobs }, id) => await jobs.cancel(id),
};

const retryWith = (overrides: RetryJob): Action => ({
	name: "retry",
	past: "Retried",
	statuses: ["failed", "expired", "cancelled", "succeeded"],
	byDefault: ["failed", "expired"],
	change: async ({ jobs }, id) => await jobs.retry(id, overrides),
});

const DELETE: Action = {
	name: "delete",
	past: "Deleted",
	statuses: ["succeeded", "failed", "cancelled", "expired"],
	async change({ jobs }, id) {
		await jobs.delete(id);
		return { id, deleted: true };
	},
};

function addListing(jobs: Command, begin: Begin): void {
	filterFlags(jobs.command("list").description("newest first"))
		.option("--limit <n>", "how many at most", count, 20)
		.action(async (flags: FilterFlags & { limit: number }) => {
			const session = begin();
			await session.out.rows(first(flags.limit, session.connect().jobs.list(filtersOf(flags))), JOBS);
		});
}
