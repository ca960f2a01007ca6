/** What HTTP to the service cannot show: its settings in the Cloudflare account. Only with --account. */
import { resolve } from "node:path";
import { z } from "zod";
import { type Account, openAccount, readLogin } from "../deploy/account.ts";
import { type InstallationConfig, installationConfig, ProductionConfig } from "../deploy/installation-config.ts";
import { remoteWrangler } from "../deploy/remote-wrangler.ts";
import { readProductionConfig } from "../run-wrangler.ts";
import { type Check, type Options, type Outcome, onlyOnCloudflare, skipped } from "./check.ts";
import { CheckFailed, expectThat } from "./expect.ts";

const root = resolve(import.meta.dirname, "../../..");

const Settings = z.looseObject({
	compatibility_flags: z.array(z.string()).default([]),
	limits: z.looseObject({ cpu_ms: z.number().optional() }).nullish(),
	observability: z.looseObject({ redact_query_string: z.boolean().optional() }).nullish(),
});
const Queues = z.array(
	z.looseObject({
		queue_id: z.string(),
		queue_name: z.string(),
		consumers: z
			.array(z.looseObject({ script: z.string().optional(), script_name: z.string().optional() }))
			.default([]),
	}),
);
const Metrics = z.looseObject({ backlog_count: z.number() });

export const accountSettings: Check = {
	number: 22,
	name: "Account settings",
	run: ({ options, signal }) => checkAccount(options, signal),
};

export async function checkAccount(
	options: Pick<Options, "account" | "isLocal" | "name" | "url">,
	signal: AbortSignal,
): Promise<string | Outcome> {
	if (!options.account)
		return options.isLocal ? onlyOnCloudflare("there is no account") : skipped("needs a login: --account");
	const production = ProductionConfig.parse(await readProductionConfig({ root }));
	const config = installationConfig(production, root, options.name ?? nameIn(options));
	const account = await openAccount(await readLogin(remoteWrangler(root, signal)), config.account_id);
	return `${await checkSettings(account, config)}; ${await checkQueues(account, config)}`;
}

/** The Worker's name begins its workers.dev address. Null: an address of the operator's own. */
function nameIn({ url }: Pick<Options, "url">): string | null {
	return /^([^.]+)\.[^.]+\.workers\.dev$/.exec(new URL(url).hostname)?.[1] ?? null;
}

async function checkSettings(account: Account, config: InstallationConfig): Promise<string> {
	const { name } = config;
	const wanted = Settings.parse(config);
	const actual = Settings.parse(await account.get(`/workers/scripts/${name}/settings`));
	const missing = wanted.compatibility_flags.filter((flag) => !actual.compatibility_flags.includes(flag));
	expectThat(missing.length === 0, `the Worker ${name} lacks the flag ${missing.join(" and ")}`);
	const cpuMs = actual.limits?.cpu_ms;
	expectThat(cpuMs === wanted.limits?.cpu_ms, `the Worker's limits.cpu_ms is ${cpuMs}`);
	const isRedacted = actual.observability?.redact_query_string === true;
	expectThat(isRedacted, "the Worker logs query strings, and with them signed links");
	return `${wanted.compatibility_flags.join(", ")}, cpu_ms ${cpuMs}, query strings redacted`;
}

async function checkQueues(account: Account, { name, queues: { consumers } }: InstallationConfig): Promise<string> {
	const found = Queues.parse(await account.get("/queues?per_page=100"));
	for (const { queue, dead_letter_queue } of consumers) {
		const actual = found.find(({ queue_name }) => queue_name === queue);
		if (actual === undefined) throw new CheckFailed(`there is no queue ${queue}`);
		const isOurs = actual.consumers.some(({ script, script_name }) => (script ?? script_name) === name);
		expectThat(isOurs, `the queue ${queue} has no consumer ${name}`);
		// The one that has no dead letters of its own holds them.
		if (dead_letter_queue !== undefined) continue;
		const { backlog_count } = Metrics.parse(await account.get(`/queues/${actual.queue_id}/metrics`));
		expectThat(backlog_count === 0, `${queue} holds ${backlog_count} messages`);
	}
	return `${consumers.length} queues consumed, no dead letters`;
}
