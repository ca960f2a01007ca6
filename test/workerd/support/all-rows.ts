/** The tables of D1, whatever they come to be: by the schema, and all that they hold. */
import { env } from "cloudflare:workers";
import { z } from "zod";

const Names = z.array(z.object({ name: z.string() }));

/** Less those of SQLite, of the platform, and of the migrations. */
async function tableNames(): Promise<string[]> {
	const found = await env.DB.prepare(
		`SELECT name FROM sqlite_schema
		  WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '_cf%' AND name <> 'd1_migrations' ORDER BY name`,
	).all();
	return Names.parse(found.results).map(({ name }) => name);
}

export async function allRows(): Promise<Record<string, unknown[]>> {
	const names = await tableNames();
	const tables = await env.DB.batch(names.map((name) => env.DB.prepare(`SELECT * FROM ${name}`)));
	return Object.fromEntries(names.map((name, at) => [name, tables[at]?.results ?? []]));
}

/** Sweeps look at everything there is, so their tests begin with nothing, except the audit log: its entries stay. */
export async function emptyTables(): Promise<void> {
	const names = (await tableNames()).filter((name) => name !== "audit_log");
	await env.DB.batch(names.map((name) => env.DB.prepare(`DELETE FROM ${name}`)));
}
