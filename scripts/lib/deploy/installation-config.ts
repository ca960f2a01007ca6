/** Makes the configuration of one installation in one account from `wrangler.toml`. Pure. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { PlainError } from "../terminal.ts";

/** The parts of `wrangler.toml` that a deployment reads; the rest passes through unchanged. */
export const ProductionConfig = z.looseObject({
	name: z.string(),
	main: z.string(),
	assets: z.looseObject({ directory: z.string() }),
	account_id: z.string().optional(),
	vars: z.record(z.string(), z.unknown()),
	secrets: z.object({ required: z.array(z.string()) }),
	ratelimits: z.array(z.looseObject({ name: z.string(), namespace_id: z.string() })),
	d1_databases: z.tuple([
		z.looseObject({ database_name: z.string(), database_id: z.string().optional(), migrations_dir: z.string() }),
	]),
	r2_buckets: z.tuple([z.looseObject({ bucket_name: z.string() })]),
	queues: z.object({
		producers: z.array(z.looseObject({ queue: z.string() })),
		consumers: z.array(z.looseObject({ queue: z.string(), dead_letter_queue: z.string().optional() })),
	}),
});

export type InstallationConfig = z.infer<typeof ProductionConfig>;

/** Queue names have up to 63 characters, and the longest is `<name>-dead-letters`. */
const NAME = /^[a-z](?:[a-z0-9-]{0,48}[a-z0-9])?$/;

/** `name` null: the installation that `wrangler.toml` describes. Paths become absolute, for a file in another folder. */
export function installationConfig(
	production: InstallationConfig,
	root: string,
	name: string | null,
): InstallationConfig {
	const config = structuredClone(production);
	config.main = join(root, config.main);
	config.assets.directory = join(root, config.assets.directory);
	for (const database of config.d1_databases) database.migrations_dir = join(root, database.migrations_dir);
	if (name !== null && name !== production.name) return renamed(config, name);
	// A firewall of the domain's zone does not see requests to the workers.dev address.
	const hasRoute = config.route !== undefined || config.routes !== undefined;
	return hasRoute ? { ...config, workers_dev: false, preview_urls: false } : config;
}

/** With the simulated model, for `npm run verify`. */
export function withSimulated(config: InstallationConfig): InstallationConfig {
	return { ...config, vars: { ...config.vars, ALLOW_SIMULATED: "true" } };
}

/** Another installation shares nothing with the first, so the first one's resources and addresses are left out. */
function renamed(config: InstallationConfig, name: string): InstallationConfig {
	if (!NAME.test(name)) {
		throw new PlainError(
			`--name must be 1 to 50 lowercase letters, digits and hyphens, begin with a letter and not end in a hyphen. It is "${name}".`,
		);
	}
	const other = (resource: string): string => withOtherPrefix(resource, config.name, name);
	for (const database of config.d1_databases) {
		database.database_name = other(database.database_name);
		delete database.database_id;
	}
	for (const bucket of config.r2_buckets) bucket.bucket_name = other(bucket.bucket_name);
	for (const producer of config.queues.producers) producer.queue = other(producer.queue);
	for (const consumer of config.queues.consumers) {
		consumer.queue = other(consumer.queue);
		if (consumer.dead_letter_queue !== undefined) consumer.dead_letter_queue = other(consumer.dead_letter_queue);
	}
	for (const limit of config.ratelimits) limit.namespace_id = namespaceId(name, limit.name);
	delete config.route;
	delete config.routes;
	config.workers_dev = true;
	config.vars = { ...config.vars, PUBLIC_URL: "" };
	config.name = name;
	return config;
}

function withOtherPrefix(resource: string, from: string, to: string): string {
	if (resource === from || resource.startsWith(`${from}-`)) return to + resource.slice(from.length);
	throw new PlainError(
		`"${resource}" in wrangler.toml is not named after the Worker "${from}", so --name cannot rename it. Name it "${from}-…".`,
	);
}

/** All Workers of an account with the same namespace share its counters. A positive integer, as text. */
export function namespaceId(installation: string, binding: string): string {
	const digest = createHash("sha256").update(`${installation} ${binding}`).digest();
	return String((digest.readUInt32BE(0) >>> 1) + 1);
}
