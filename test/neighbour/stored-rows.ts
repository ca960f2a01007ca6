/** Rows that a tenant would need hours to make, put into the file of the local D1 beside the running service. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

const NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";
const PAGE_ROWS = 100_000;
const Columns = z.array(z.object({ name: z.string() }));

/** Copies of a job, older than any other. */
export function copyJob(stateDir: string, jobId: string, count: number): void {
	run(stateDir, (db) => {
		const columns = Columns.parse(db.prepare("SELECT name FROM pragma_table_info('jobs')").all()).map(
			({ name }) => name,
		);
		const values = columns.map((name) => (name === "id" ? "'job_01h0' || printf('%022d', n.i)" : name));
		const insert = `INSERT INTO jobs (${columns.join(", ")}) SELECT ${values.join(", ")} FROM n, jobs WHERE id = ?2`;
		db.prepare(`${NUMBERS} ${insert}`).run(count, jobId);
	});
}

/** A tenant's use of so many models, today: page by page, so that the service waits for none of them long. */
export function useModels(stateDir: string, tenantId: string, count: number): void {
	run(stateDir, (db) => {
		const insert = db.prepare(
			`${NUMBERS} INSERT INTO usage_hours (tenant_id, hour, model, failed)
			 SELECT ?2, unixepoch() / 3600, 'shared/' || (?3 + n.i), 1 FROM n`,
		);
		for (let used = 0; used < count; used += PAGE_ROWS) insert.run(Math.min(PAGE_ROWS, count - used), tenantId, used);
	});
}

function run(stateDir: string, act: (db: DatabaseSync) => void): void {
	const folder = join(stateDir, "state/v3/d1/miniflare-D1DatabaseObject");
	const file = readdirSync(folder).find((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
	const db = new DatabaseSync(join(folder, file ?? ""), { timeout: 5_000 });
	try {
		act(db);
	} finally {
		db.close();
	}
}
