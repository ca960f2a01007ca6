/** Derives the local configuration from production's. Pure: start-service.ts reads, writes and starts. */
import { join } from "node:path";
import type { Values } from "./env-file.ts";

/** The parts of `wrangler.toml` that a local run reads; the rest passes through unchanged. */
export type WranglerConfig = {
	main: string;
	assets: { directory: string };
	vars: Values;
	secrets?: { required: string[] };
	d1_databases: { migrations_dir: string }[];
	queues: { consumers: { queue: string; max_batch_size: number }[] };
	ratelimits: { name: string; simple: { limit: number } }[];
};

/**
 * The local broker runs one batch of a queue at a time, where production runs up to 60 concurrently. One wide batch
 * makes up for that; 100 is the largest size allowed.
 */
const LOCAL_BATCH_SIZE = 100;
const WIDENED_QUEUES = /-(jobs|deliveries)$/;

/** No other caller has to be protected from a load test, which has one tenant and one receiver, unless RATE_LIMITS is `true`. */
const LOCAL_RATE = 1_000_000;
const RAISED_RATES = ["TENANT_RATE", "WEBHOOK_RATE"];

export function localConfig(
	production: WranglerConfig,
	root: string,
	{ vars, hasRateLimits }: Pick<Settings, "vars" | "hasRateLimits">,
): WranglerConfig {
	// Without this list wrangler takes every line of the env file, so providers' keys arrive beside the required two.
	const { secrets: _, ...config } = structuredClone(production);
	config.main = join(root, "workers/local.ts");
	config.assets.directory = join(root, config.assets.directory);
	config.vars = vars;
	for (const database of config.d1_databases) database.migrations_dir = join(root, database.migrations_dir);
	for (const consumer of config.queues.consumers) {
		if (WIDENED_QUEUES.test(consumer.queue)) consumer.max_batch_size = LOCAL_BATCH_SIZE;
	}
	for (const { name, simple } of config.ratelimits)
		if (RAISED_RATES.includes(name) && !hasRateLimits) simple.limit = LOCAL_RATE;
	return config;
}

/** As high as the rates above. */
const LOCAL_WEBHOOK_LIMIT = "100,10000";

/** What a local run has instead of production's vars, unless `.dev.vars` or the environment sets them. */
export function localDefaults(url: string): Values {
	return {
		MODEL_ROUTES: '[{"match":"*","provider":"simulated"}]',
		ALLOW_SIMULATED: "true",
		ALLOW_INSECURE_WEBHOOKS: "true",
		WEBHOOK_DNS_URL: "",
		PUBLIC_URL: url,
		LOG_LEVEL: "warn",
	};
}

export type Settings = { vars: Values; secrets: Values; missingSecrets: string[]; hasRateLimits: boolean };

/**
 * Every variable and secret of a local run. Precedence: the environment, `.dev.vars`, the local defaults, `wrangler.toml`.
 * An empty variable in the environment counts as not set.
 */
export function localSettings(input: {
	production: WranglerConfig;
	url: string;
	file: Values;
	environment: Record<string, string | undefined>;
}): Settings {
	const { production, file, environment } = input;
	const given = (name: string): string | undefined => environment[name] || file[name];

	const hasRateLimits = environment.RATE_LIMITS === "true";
	const raised = hasRateLimits ? {} : { WEBHOOK_LIMIT: LOCAL_WEBHOOK_LIMIT };
	const vars: Values = { ...production.vars, ...localDefaults(input.url), ...raised };
	for (const name of Object.keys(vars)) vars[name] = given(name) ?? vars[name] ?? "";

	const needed = [...(production.secrets?.required ?? []), ...secretsNamedByRoutes(vars.MODEL_ROUTES ?? "")];
	const names = new Set([...Object.keys(file), "ADMIN_TOKEN_PREVIOUS", "SIGNING_KEY_PREVIOUS", ...needed]);
	const secrets: Values = {};
	for (const name of names) {
		const value = given(name);
		if (value && !(name in vars)) secrets[name] = value;
	}
	const missingSecrets = needed.filter((name) => !given(name));
	return { vars, secrets, missingSecrets, hasRateLimits };
}

/** The secrets that MODEL_ROUTES names. An unreadable list yields none: the service reports what is wrong with it. */
function secretsNamedByRoutes(routes: string): string[] {
	try {
		const parsed: unknown = JSON.parse(routes);
		const list = Array.isArray(parsed) ? parsed : [];
		return list
			.flatMap((route) => [route?.api_key_secret, ...Object.values(route?.headers ?? {})])
			.filter((name) => typeof name === "string");
	} catch {
		return [];
	}
}
