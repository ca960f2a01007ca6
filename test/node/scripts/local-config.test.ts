import { describe, expect, it } from "vitest";
import { localConfig, localSettings, type WranglerConfig } from "../../../scripts/lib/local-config.ts";

const production = (): WranglerConfig => ({
	main: "workers/index.ts",
	assets: { directory: "dashboard/dist" },
	vars: { DEFAULT_MODEL: "openai/gpt-5.5", MODEL_ROUTES: "[]", PUBLIC_URL: "", ALLOW_INSECURE_WEBHOOKS: "false" },
	secrets: { required: ["ADMIN_TOKEN", "SIGNING_KEY"] },
	d1_databases: [{ migrations_dir: "migrations" }],
	queues: {
		consumers: [
			{ queue: "holdfast-jobs", max_batch_size: 4 },
			{ queue: "holdfast-deliveries", max_batch_size: 4 },
			{ queue: "holdfast-dead-letters", max_batch_size: 7 },
		],
	},
	ratelimits: [
		{ name: "TENANT_RATE", simple: { limit: 50 } },
		{ name: "UNAUTHENTICATED_RATE", simple: { limit: 300 } },
		{ name: "WEBHOOK_RATE", simple: { limit: 100 } },
	],
});

function settings(file: Record<string, string>, environment: Record<string, string>) {
	return localSettings({ production: production(), url: "http://127.0.0.1:8787", file, environment });
}

describe("localConfig", () => {
	it("differs from production in paths, its bucket, variables, the list of secrets, the width of two queues, and the rates of a key and of webhooks", () => {
		const local = localConfig(production(), "/home/me/holdfast", {
			vars: { DEFAULT_MODEL: "a" },
			hasRateLimits: false,
		});
		expect(local).toEqual({
			main: "/home/me/holdfast/workers/local.ts",
			assets: { directory: "/home/me/holdfast/dashboard/dist" },
			vars: { DEFAULT_MODEL: "a" },
			d1_databases: [{ migrations_dir: "/home/me/holdfast/migrations" }],
			queues: {
				consumers: [
					{ queue: "holdfast-jobs", max_batch_size: 100 },
					{ queue: "holdfast-deliveries", max_batch_size: 100 },
					{ queue: "holdfast-dead-letters", max_batch_size: 7 },
				],
			},
			ratelimits: [
				{ name: "TENANT_RATE", simple: { limit: 1_000_000 } },
				{ name: "UNAUTHENTICATED_RATE", simple: { limit: 300 } },
				{ name: "WEBHOOK_RATE", simple: { limit: 1_000_000 } },
			],
		});
	});

	it("limits the rates of a key and of webhooks as production does with RATE_LIMITS=true", () => {
		const { hasRateLimits, vars } = settings({}, { RATE_LIMITS: "true" });
		expect(vars).not.toHaveProperty("WEBHOOK_LIMIT");
		const { ratelimits } = localConfig(production(), "/", { vars: {}, hasRateLimits });
		expect(ratelimits).toEqual(production().ratelimits);
	});
});

describe("localSettings", () => {
	it("simulates every model, allows local receivers and asks no DNS when nothing else is said", () => {
		expect(settings({}, {}).vars).toEqual({
			DEFAULT_MODEL: "openai/gpt-5.5",
			MODEL_ROUTES: '[{"match":"*","provider":"simulated"}]',
			ALLOW_SIMULATED: "true",
			PUBLIC_URL: "http://127.0.0.1:8787",
			ALLOW_INSECURE_WEBHOOKS: "true",
			WEBHOOK_DNS_URL: "",
			WEBHOOK_LIMIT: "100,10000",
			LOG_LEVEL: "warn",
		});
	});

	it("puts the environment before the file, and the file before the defaults", () => {
		const { vars, secrets } = settings(
			{ DEFAULT_MODEL: "file", PUBLIC_URL: "file", ADMIN_TOKEN: "file", SIGNING_KEY: "file" },
			{ DEFAULT_MODEL: "environment", ADMIN_TOKEN: "environment", HOME: "/home/me", SIGNING_KEY: "" },
		);
		expect(vars).toMatchObject({ DEFAULT_MODEL: "environment", PUBLIC_URL: "file" });
		expect(secrets).toEqual({ ADMIN_TOKEN: "environment", SIGNING_KEY: "file" });
	});

	it("takes a provider's key from the environment or the file when a route names it, and nothing else of the environment", () => {
		const MODEL_ROUTES =
			'[{"match":"a","api_key_secret":"A_KEY"},{"match":"b","headers":{"x-key":"B_KEY"}},{"match":"*"}]';
		const { secrets, missingSecrets } = settings(
			{ MODEL_ROUTES, B_KEY: "b" },
			{ A_KEY: "a", C_KEY: "c", SIGNING_KEY_PREVIOUS: "old", ADMIN_TOKEN: "t", SIGNING_KEY: "s" },
		);
		expect(secrets).toEqual({
			A_KEY: "a",
			B_KEY: "b",
			SIGNING_KEY_PREVIOUS: "old",
			ADMIN_TOKEN: "t",
			SIGNING_KEY: "s",
		});
		expect(missingSecrets).toEqual([]);
	});

	it("names the secrets that are missing", () => {
		const { missingSecrets } = settings({ ADMIN_TOKEN: "t" }, { MODEL_ROUTES: '[{"api_key_secret":"A_KEY"}]' });
		expect(missingSecrets).toEqual(["SIGNING_KEY", "A_KEY"]);
	});

	it.each(["nonsense", "{}", "[null, 1]", '[{"api_key_secret":5}]'])(
		"leaves it to the service to complain of MODEL_ROUTES=%s",
		(MODEL_ROUTES) => {
			expect(settings({ ADMIN_TOKEN: "t", SIGNING_KEY: "s" }, { MODEL_ROUTES })).toMatchObject({
				vars: { MODEL_ROUTES },
				missingSecrets: [],
			});
		},
	);
});
