/**
 * Prints that jobs come and go under `npm start`. It reads the file of the local D1 beside the running service: a log line
 * a job would cost the service a third of its throughput, and this costs it nothing.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { JobFeed, type Reading } from "./job-feed.ts";

const EVERY_MS = 1_000;
const JOBS_MAX = 100;

const Totals = z.object({ open: z.number(), finished: z.number(), succeeded: z.number() });
const Jobs = z.array(
	z.object({ id: z.string(), status: z.string(), reason: z.string().nullable(), durationMs: z.number().nullable() }),
);

const COLUMNS = "j.id, j.status, j.status_reason AS reason, j.finished_at - j.created_at AS durationMs";
/** By primary key: `CROSS JOIN` keeps SQLite from scanning the jobs. */
const OF_ANY_TENANT = "CROSS JOIN jobs j ON j.tenant_id = t.id";
const TOTALS = `SELECT (SELECT count(*) FROM jobs WHERE sweep_at IS NOT NULL) AS open,
	coalesce(sum(jobs), 0) AS finished, coalesce(sum(succeeded), 0) AS succeeded FROM usage WHERE model <> ''`;
const NEW_JOBS = `SELECT ${COLUMNS} FROM tenants t ${OF_ANY_TENANT} AND j.id > ? LIMIT ${JOBS_MAX}`;
const JOBS_BY_ID = `SELECT ${COLUMNS} FROM json_each(?) wanted CROSS JOIN tenants t ${OF_ANY_TENANT} AND j.id = wanted.value`;

/** Starts at once and returns a function that stops it. Where it cannot start, a line says so: the service goes on without. */
export function watchJobs(stateDir: string, print: (line: string) => void): () => void {
	try {
		return watch(openReader(stateDir), print);
	} catch (error) {
		print(`Jobs that come and go are not shown here: ${error instanceof Error ? error.message : error}`);
		return () => undefined;
	}
}

function watch(reader: ReturnType<typeof openReader>, print: (line: string) => void): () => void {
	const feed = new JobFeed(Date.now(), reader.totals());
	const look = (): void => {
		const nowMs = Date.now();
		const { since, ids } = feed.wanted(nowMs);
		let reading: Reading;
		try {
			reading = reader.read(since, ids);
		} catch {
			// The service holds the file for a moment, such as while it truncates its log. The next reading has it all.
			return;
		}
		for (const line of feed.linesFor(nowMs, reading)) print(line);
	};
	const timer = setInterval(look, EVERY_MS);
	return () => {
		clearInterval(timer);
		reader.close();
	};
}

function openReader(stateDir: string) {
	const folder = join(stateDir, "state/v3/d1/miniflare-D1DatabaseObject");
	const file = readdirSync(folder).find((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
	const db = new DatabaseSync(join(folder, file ?? ""), { readOnly: true });
	const [totals, newJobs, jobsById] = [db.prepare(TOTALS), db.prepare(NEW_JOBS), db.prepare(JOBS_BY_ID)];
	return {
		totals: () => Totals.parse(totals.get()),
		/** All of one moment. */
		read(since: string, ids: string[]): Reading {
			db.exec("BEGIN");
			try {
				const rows = Jobs.parse([...newJobs.all(since), ...jobsById.all(JSON.stringify(ids))]);
				const jobs = new Map(rows.map((row) => [row.id, row]));
				return { ...this.totals(), jobs: [...jobs.values()] };
			} finally {
				db.exec("COMMIT");
			}
		},
		close: () => db.close(),
	};
}
