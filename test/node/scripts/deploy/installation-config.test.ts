import { describe, expect, it } from "vitest";
import {
	type InstallationConfig,
	installationConfig,
	namespaceId,
	withSimulated,
} from "../../../../scripts/lib/deploy/installation-config.ts";

const production = (): InstallationConfig => ({
	name: "holdfast",
	main: "workers/index.ts",
	assets: { directory: "dashboard/dist" },
	routes: [{ pattern: "jobs.acme.com", custom_domain: true }],
	vars: { DEFAULT_MODEL: "a", PUBLIC_URL: "https://jobs.acme.com" },
	secrets: { required: ["ADMIN_TOKEN"] },
	ratelimits: [{ name: "TENANT_RATE", namespace_id: "1" }],
	d1_databases: [{ database_name: "holdfast", database_id: "d1", migrations_dir: "migrations" }],
	r2_buckets: [{ bucket_name: "holdfast-results" }],
	queues: {
		producers: [{ queue: "holdfast-jobs" }],
		consumers: [{ queue: "holdfast-jobs", dead_letter_queue: "holdfast-dead-letters" }],
	},
});

describe("installationConfig", () => {
	it("serves the simulated model only by withSimulated", () => {
		const { vars, ...rest } = installationConfig(production(), "/h", null);
		expect(withSimulated({ vars, ...rest })).toEqual({ ...rest, vars: { ...vars, ALLOW_SIMULATED: "true" } });
	});

	it.each([null, "holdfast"])("with the name %j is wrangler.toml with absolute paths, and one address", (name) => {
		const bare: InstallationConfig = { ...production(), workers_dev: true };
		delete bare.routes;
		expect(installationConfig(bare, "/h", name)).toMatchObject({ workers_dev: true });
		const config: InstallationConfig = { ...production(), workers_dev: false, preview_urls: false };
		config.main = "/h/workers/index.ts";
		config.assets.directory = "/h/dashboard/dist";
		config.d1_databases[0].migrations_dir = "/h/migrations";
		expect(installationConfig(production(), "/h", name)).toEqual(config);
	});

	it("with another name shares no resource, counter or address, and keeps the other settings", () => {
		const config = installationConfig(production(), "/h", "staging");
		expect(config).toEqual({
			name: "staging",
			main: "/h/workers/index.ts",
			assets: { directory: "/h/dashboard/dist" },
			workers_dev: true,
			vars: { DEFAULT_MODEL: "a", PUBLIC_URL: "" },
			secrets: { required: ["ADMIN_TOKEN"] },
			ratelimits: [{ name: "TENANT_RATE", namespace_id: namespaceId("staging", "TENANT_RATE") }],
			d1_databases: [{ database_name: "staging", migrations_dir: "/h/migrations" }],
			r2_buckets: [{ bucket_name: "staging-results" }],
			queues: {
				producers: [{ queue: "staging-jobs" }],
				consumers: [{ queue: "staging-jobs", dead_letter_queue: "staging-dead-letters" }],
			},
		});
	});

	it.each(["", "Holdfast", "-a", "a-", "a_b", "a.b", "1a", "a".repeat(51)])("refuses the name %j", (name) => {
		expect(() => installationConfig(production(), "/h", name)).toThrow(/^--name must be 1 to 50 lowercase letters/);
	});

	it("refuses to rename what is not named after the Worker", () => {
		const config = production();
		config.r2_buckets[0].bucket_name = "results";
		expect(() => installationConfig(config, "/h", "staging")).toThrow(/^"results" in wrangler.toml is not named after/);
	});
});

describe("namespaceId", () => {
	it("is a positive integer of its own for each installation and binding", () => {
		const ids = ["a", "b"].flatMap((name) => [namespaceId(name, "TENANT_RATE"), namespaceId(name, "OTHER")]);
		expect(new Set(ids).size).toBe(4);
		for (const id of ids) expect(id).toMatch(/^[1-9]\d{0,9}$/);
	});
});
