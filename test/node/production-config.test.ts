import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const toml = readFileSync(join(import.meta.dirname, "../../wrangler.toml"), "utf8");

it("production sends webhooks through the front door of every host, to https alone, and looks their names up", () => {
	expect(toml).toMatch(/^compatibility_flags = \[.*"global_fetch_strictly_public".*\]$/m);
	expect(toml).toMatch(/^ALLOW_INSECURE_WEBHOOKS = "false"$/m);
	expect(toml).toMatch(/^WEBHOOK_DNS_URL = "https:\/\/[^"]+"$/m);
});

it("production lets a slow receiver's delivery go on after its batch", () => {
	expect(toml).toMatch(/^compatibility_flags = \[.*"queue_consumer_no_wait_for_wait_until".*\]$/m);
});
