/** Everything that D1 holds: for tests of what must change nothing, whatever tables there come to be. */
import { env } from "cloudflare:workers";
import { z } from "zod";

const Names = z.array(z.object({ name: z.string() }));

export async function allRows(): Promise<Record<string, unknown[]>> {
	const found = await env.DB.prepare(
		"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '_cf%' ORDER BY name",
	).all();
	const names = Names.parse(found.results).map(({ name }) => name);
	const tables = await env.DB.batch(names.map((name) => env.DB.prepare(`SELECT * FROM ${name}`)));
	return Object.fromEntries(names.map((name, at) => [name, tables[at]?.results ?? []]));
}
