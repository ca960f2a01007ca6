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

/** Tests of a file share its database, but not the trouble that one of them had with its model. */
beforeEach(async () => {
	await env.DB.exec("DELETE FROM breakers");
});
