/**
 * `npm run deploy`: deploys the service with wrangler to the account that is logged in, until it responds. It can be run any
 * number of times: existing resources and secrets are kept, and a run after an interrupted one continues where that stopped.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildDashboard } from "./lib/dashboard.ts";
import { openAccount, readLogin } from "./lib/deploy/account.ts";
import {
	applyMigrations,
	createDatabase,
	type Deployment,
	makeFolder,
	missingSecrets,
	removeFolder,
	uploadWorker,
	waitUntilReady,
} from "./lib/deploy/deployment.ts";
import { type Found, inspectAccount } from "./lib/deploy/inspect-account.ts";
import {
	type InstallationConfig,
	installationConfig,
	ProductionConfig,
	withSimulated,
} from "./lib/deploy/installation-config.ts";
import { interrupted, interruptionSignal } from "./lib/deploy/interruption.ts";
import { remoteWrangler } from "./lib/deploy/remote-wrangler.ts";
import { readProductionConfig } from "./lib/run-wrangler.ts";
import { bold, complain, dim, green, PlainError, say } from "./lib/terminal.ts";

const HELP = `Usage: npm run deploy -- [options]

  --name <name>          another installation, with a Worker, a database, a bucket and queues of its own
  --simulated            serve simulated/* too, until the next deployment: npm run verify needs it
  --location <location>  where its database is created: weur, eeur, apac, oc, wnam or enam (near you)

Environment:
  CLOUDFLARE_API_TOKEN, CLOUDFLARE_ACCOUNT_ID   instead of npx wrangler login; where there are several accounts
  ADMIN_TOKEN, SIGNING_KEY                      for the first deployment, which otherwise makes them`;

const LOCATIONS = ["weur", "eeur", "apac", "oc", "wnam", "enam"];

const root = resolve(import.meta.dirname, "..");
const signal = interruptionSignal();

type Options = { name: string | null; location: string | undefined; simulated: boolean };

async function main(): Promise<void> {
	const options = readOptions();
	if (options === null) return say(HELP);
	await buildDashboard(root);
	const wrangler = remoteWrangler(root, signal);
	const [login, production] = await Promise.all([readLogin(wrangler), readProductionConfig({ root })]);
	const installation = installationConfig(ProductionConfig.parse(production), root, options.name);
	const config = options.simulated ? withSimulated(installation) : installation;
	const account = await openAccount(login, config.account_id);
	const found = await inspectAccount(account, config);

	const folder = join(root, ".wrangler", `deploy-${config.name}`);
	makeFolder(folder, config);
	try {
		say(`Deploying ${bold(config.name)} to account ${account.id}`);
		await deploy({ root, accountId: account.id, config, wrangler, signal, folder }, found, options);
	} finally {
		removeFolder(folder);
	}
}

async function deploy(deployment: Deployment, found: Found, { location }: Options): Promise<void> {
	const { config, accountId } = deployment;
	const { secrets, isMade } = missingSecrets(config.secrets.required, found.secrets, process.env);

	if (!found.hasDatabase) await createDatabase(deployment, location);
	step("Database", found.hasDatabase ? `exists${location === undefined ? "" : ", and stays where it is"}` : "created");
	step("Migrations", (await applyMigrations(deployment)) ? "applied" : "none to apply");
	if (isMade("ADMIN_TOKEN")) showAdminToken(secrets.ADMIN_TOKEN ?? "");
	const [url] = await uploadWorker(deployment, secrets);
	const handedOver = Object.keys(secrets);
	step("Secrets", handedOver.length === 0 ? "kept" : `${handedOver.join(" and ")} set`);
	step("Worker", `deployed to ${url ?? "no address: workers_dev is off, and there are no routes"}`);
	if (url === undefined) return;
	await waitUntilReady(url, signal);
	showNextSteps(url, accountId, config);
}

function step(what: string, outcome: string): void {
	say(`  ${what.padEnd(12)}${outcome}`);
}

/** Before it is handed over, so that no failure after that loses it. */
function showAdminToken(token: string): void {
	step(
		"ADMIN_TOKEN",
		`${green(token)}  ${dim("keep it: it is shown this once, and only a later run that shows another replaces it")}`,
	);
}

function showNextSteps(url: string, accountId: string, { name, vars }: InstallationConfig): void {
	const isVerifiable = vars.ALLOW_SIMULATED === "true";
	say();
	say(`${bold("Ready")} on ${url}`);
	say();
	say(`  Verify it     ${isVerifiable ? `ADMIN_TOKEN=… npm run verify -- ${url}` : "npm run deploy -- --simulated"}`);
	say(`  First tenant  HOLDFAST_URL=${url} ADMIN_TOKEN=… npm run holdfast -- admin tenants create "My team"`);
	say(`  Dashboard     https://dash.cloudflare.com/${accountId}/workers/services/view/${name}/production`);
	say(
		dim("  Cron may take up to 15 minutes to begin. Models need AI Gateway credits or a provider key: docs/deploy.md."),
	);
}

function readOptions(): Options | null {
	const options = {
		name: { type: "string" },
		location: { type: "string" },
		simulated: { type: "boolean", default: false },
		help: { type: "boolean", short: "h" },
	} as const;
	const { name, location, simulated, help } = parsedOptions(() => parseArgs({ options }).values);
	if (help) return null;
	if (location !== undefined && !LOCATIONS.includes(location)) {
		throw new PlainError(`--location must be one of ${LOCATIONS.join(", ")}. It is "${location}".`);
	}
	return { name: name ?? null, location, simulated };
}

function parsedOptions<T>(read: () => T): T {
	try {
		return read();
	} catch (error) {
		throw new PlainError(`${(error as Error).message} See npm run deploy -- --help`);
	}
}

main().catch((error) => {
	complain(signal.aborted ? interrupted() : error);
	process.exitCode = signal.aborted ? 130 : 1;
});
