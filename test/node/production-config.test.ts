import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { KEY_RATE, REQUESTS_PER_COUNT, UNAUTHENTICATED_RATE } from "../../shared/core/tenants/rate-limits.ts";

const toml = readFileSync(join(import.meta.dirname, "../../wrangler.toml"), "utf8");

it("production sends webhooks through the front door of every host, to https alone, and looks their names up", () => {
	expect(toml).toMatch(/^compatibility_flags = \[.*"global_fetch_strictly_public".*\]$/m);
	expect(toml).toMatch(/^ALLOW_INSECURE_WEBHOOKS = "false"$/m);
	expect(toml).toMatch(/^WEBHOOK_DNS_URL = "https:\/\/[^"]+"$/m);
});

it("production lets a slow receiver's delivery go on after its batch", () => {
	expect(toml).toMatch(/^compatibility_flags = \[.*"queue_consumer_no_wait_for_wait_until".*\]$/m);
});

it.each([
	["KEY_RATE", KEY_RATE, REQUESTS_PER_COUNT],
	["UNAUTHENTICATED_RATE", UNAUTHENTICATED_RATE, 1],
])("production counts by %s as callers are told", (name, { quota, windowSeconds }, requestsPerCount) => {
	const simple = new RegExp(
		`name = "${name}"\\nnamespace_id = "\\d+"\\nsimple = \\{ limit = (\\d+), period = (\\d+) \\}`,
	);
	expect(simple.exec(toml)?.slice(1).map(Number)).toEqual([quota / requestsPerCount, windowSeconds]);
	// The platform knows no other windows.
	expect([10, 60]).toContain(windowSeconds);
});
