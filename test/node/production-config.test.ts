import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { namespaceId } from "../../scripts/lib/deploy/installation-config.ts";
import { MODEL } from "../../scripts/lib/verify/check.ts";
import { parseConfig } from "../../shared/core/config.ts";
import { TENANT_RATE, UNAUTHENTICATED_RATE, UNITS_PER_COUNT } from "../../shared/core/tenants/rate-limits.ts";
import { routeFor } from "../../shared/core/upstreams/model-routes.ts";
import { CONCURRENCY } from "../simulation/world/options.ts";

const root = join(import.meta.dirname, "../..");
const toml = readFileSync(join(root, "wrangler.toml"), "utf8");

it("production sends webhooks through the front door of every host, to https alone, and looks their names up", () => {
	expect(toml).toMatch(/^compatibility_flags = \[.*"global_fetch_strictly_public".*\]$/m);
	expect(toml).toMatch(/^ALLOW_INSECURE_WEBHOOKS = "false"$/m);
	expect(toml).toMatch(/^WEBHOOK_DNS_URL = "https:\/\/[^"]+"$/m);
});

it("production serves the simulated model, with which npm run verify works, only where it is switched on", () => {
	const MODEL_ROUTES = /^MODEL_ROUTES = '(.*)'$/m.exec(toml)?.[1];
	const secrets = { ADMIN_TOKEN: "a".repeat(32), SIGNING_KEY: "s".repeat(43) };
	const providerOf = (ALLOW_SIMULATED: string | undefined) => {
		const parsed = parseConfig({ ...secrets, DEFAULT_MODEL: "m", MODEL_ROUTES, ALLOW_SIMULATED });
		return parsed.ok ? routeFor(parsed.config.modelRoutes, MODEL)?.provider : parsed.problems;
	};
	expect(providerOf(/^ALLOW_SIMULATED = "(.*)"$/m.exec(toml)?.[1])).toBe("workers-ai");
	expect(providerOf("true")).toBe("simulated");
	expect(MODEL_ROUTES).not.toContain("simulated");
});

it("production runs as many batches at a time as the simulation does", () => {
	const concurrency = [...toml.matchAll(/^max_concurrency = (\d+)$/gm)].map(([, count]) => Number(count));
	expect(concurrency).toEqual([CONCURRENCY, CONCURRENCY]);
});

it("production lets a slow receiver's delivery go on after its batch", () => {
	expect(toml).toMatch(/^compatibility_flags = \[.*"queue_consumer_no_wait_for_wait_until".*\]$/m);
});

it("production tells a request that its caller has left, so that nothing of the isolate stays taken", () => {
	expect(toml).toMatch(/^compatibility_flags = \[.*"enable_request_signal".*\]$/m);
});

it.each([
	["TENANT_RATE", TENANT_RATE, UNITS_PER_COUNT],
	["UNAUTHENTICATED_RATE", UNAUTHENTICATED_RATE, 1],
])("production counts by %s as documented", (name, { quota, windowSeconds }, unitsPerCount) => {
	const simple = new RegExp(
		`name = "${name}"\\nnamespace_id = "\\d+"\\nsimple = \\{ limit = (\\d+), period = (\\d+) \\}`,
	);
	expect(simple.exec(toml)?.slice(1).map(Number)).toEqual([quota / unitsPerCount, windowSeconds]);
	// The platform knows no other windows.
	expect([10, 60]).toContain(windowSeconds);
});

it("production counts the webhooks of all isolates by ten seconds of its WEBHOOK_LIMIT", () => {
	const [, aSecond] = /^WEBHOOK_LIMIT = "\d+,(\d+)"$/m.exec(toml) ?? [];
	const simple = /name = "WEBHOOK_RATE"\nnamespace_id = "\d+"\nsimple = \{ limit = (\d+), period = 10 \}/.exec(toml);
	expect(Number(simple?.[1])).toBe(10 * Number(aSecond));
});

it("a deployment finds every resource of production under one prefix, which --name replaces", () => {
	expect(toml).toMatch(/^name = "holdfast"$/m);
	const resources = [...toml.matchAll(/^(?:database_name|bucket_name|queue|dead_letter_queue) = "(.*)"$/gm)];
	expect(resources.length).toBeGreaterThan(8);
	for (const [, name] of resources) expect(name).toMatch(/^holdfast(-results|-jobs|-deliveries|-dead-letters)?$/);
	for (const binding of ["TENANT_RATE", "UNAUTHENTICATED_RATE", "WEBHOOK_RATE"])
		expect(toml).toContain(`namespace_id = "${namespaceId("holdfast", binding)}"`);
});

it("wrangler can create every queue: each has a producer, without which a deployment to an empty account fails", () => {
	const queues = (kind: string) =>
		[...toml.matchAll(new RegExp(`\\[\\[queues\\.${kind}\\]\\]\\n(?:binding = .*\\n)?queue = "(.*)"`, "g"))].map(
			([, name]) => name,
		);
	expect(queues("producers").toSorted()).toEqual(queues("consumers").toSorted());
});

it("production logs a line an attempt, and no event of the platform's own for each invocation", () => {
	expect(toml).toMatch(/^LOG_LEVEL = "info"$/m);
	expect(toml).toMatch(/^invocation_logs = false$/m);
});

it("production has one address", () => {
	expect(toml).toMatch(/^workers_dev = true$/m);
	expect(toml).toMatch(/^preview_urls = false$/m);
});

it("the Deploy button finds each secret and its description", () => {
	const example = readFileSync(join(root, ".dev.vars.example"), "utf8");
	const { cloudflare } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
	const required = /^required = (\[.*\])$/m.exec(toml)?.[1] ?? "[]";
	for (const secret of JSON.parse(required)) {
		expect(example).toMatch(new RegExp(`^${secret}=$`, "m"));
		expect(cloudflare.bindings[secret].description).not.toBe("");
	}
	const bindings = [...toml.matchAll(/^(?:binding|name) = "([A-Z_]+)"$|^([A-Z_]+) = /gm)].map(([, a, b]) => a ?? b);
	expect([...bindings, ...JSON.parse(required)]).toEqual(expect.arrayContaining(Object.keys(cloudflare.bindings)));
});
