import { applyD1Migrations, type D1Migration } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach } from "vitest";

declare global {
	namespace Cloudflare {
		interface Env {
			TEST_MIGRATIONS: D1Migration[];
		}
	}
}

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
await forgetOtherFiles();

/** Files that run in the same workerd, one after the other, each find the storage empty. */
async function forgetOtherFiles(): Promise<void> {
	const { results } = await env.DB.prepare(
		`SELECT type, name, sql FROM sqlite_schema
		  WHERE type IN ('table', 'trigger') AND name <> 'd1_migrations' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'`,
	).all<{ type: string; name: string; sql: string }>();
	const triggers = results.filter(({ type }) => type === "trigger");
	const tables = results.filter(({ type }) => type === "table");
	const statements = [
		// They refuse to delete what must stay.
		...triggers.map(({ name }) => `DROP TRIGGER ${name}`),
		...tables.map(({ name }) => `DELETE FROM ${name}`),
		...triggers.map(({ sql }) => sql),
	];
	await env.DB.batch(statements.map((sql) => env.DB.prepare(sql)));
	for (let isMore = true; isMore; ) {
		const { objects, truncated } = await env.RESULTS.list();
		await env.RESULTS.delete(objects.map(({ key }) => key));
		isMore = truncated;
	}
}

/** Tests of a file share its database, but not the trouble that one of them had with its model. */
beforeEach(async () => {
	await env.DB.exec("DELETE FROM breakers");
});
