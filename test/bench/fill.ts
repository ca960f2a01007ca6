/** Many jobs at once: copies, made inside the database, of rows that the service itself has written. */
import type { Engine } from "./engine.ts";

type Row = Record<string, string | number | null>;
/** SQL for columns that differ from copy to copy; `n.i` counts the copies. */
type Differing = Record<string, string>;

/** What one statement inserts: far below the 30 s that D1 gives it. */
const ROWS_PER_STATEMENT = 20_000;

const NUMBERS = "WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)";

/** Ids older than any that the service makes today, in the order of the copies. */
const RANDOM_PART = "'01h0' || printf('%022d', n.i)";
export const copiedJobId = (i: number) => `job_01h0${String(i).padStart(22, "0")}`;

interface Templates {
	job: Row;
	deliveries: Row[];
}

export async function templatesOf({ sql }: Engine, jobId: string): Promise<Templates> {
	const { results: jobs } = await sql<Row>("SELECT * FROM jobs WHERE id = ?1", jobId);
	const { results: deliveries } = await sql<Row>("SELECT * FROM deliveries WHERE job_id = ?1", jobId);
	const [job] = jobs;
	if (job === undefined) throw new Error(`${jobId} is not stored`);
	return { job, deliveries: deliveries.map(({ receiver: _, ...stored }) => stored) };
}

/** Copies number `from` and on, up to and without `to`. */
export async function copyJobs(
	engine: Engine,
	{ job, deliveries }: Templates,
	{ from, to }: { from: number; to: number },
	differing: { job: Differing; delivery: Differing },
): Promise<void> {
	const random = String(job.id).slice("job_".length);
	for (let start = from; start < to; start += ROWS_PER_STATEMENT) {
		const end = Math.min(to, start + ROWS_PER_STATEMENT);
		await copyRow(engine, "jobs", job, start, end, { id: `'job_' || ${RANDOM_PART}`, ...differing.job });
		for (const delivery of deliveries) {
			const named = (column: string) => `replace(${textOf(delivery[column])}, '${random}', ${RANDOM_PART})`;
			const ids = { id: named("id"), job_id: named("job_id"), event_id: named("event_id") };
			await copyRow(engine, "deliveries", delivery, start, end, { ...ids, ...differing.delivery });
		}
	}
}

async function copyRow({ sql }: Engine, table: string, row: Row, from: number, to: number, differing: Differing) {
	const columns = Object.keys(row);
	const values = columns.map((column) => differing[column] ?? literal(row[column] ?? null));
	const insert = `INSERT INTO ${table} (${columns.join(", ")}) SELECT ${values.join(", ")} FROM n`;
	await sql(`${NUMBERS} ${insert}`, from, to);
}

export function literal(value: string | number | null): string {
	return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value ?? "NULL");
}

const textOf = (value: string | number | null | undefined) => literal(String(value));
