/** The steps of a deployment. Each can be repeated, and skips what is done already. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { callApi, messageOf } from "../call-api.ts";
import { randomSecrets, type Values } from "../env-file.ts";
import { PlainError } from "../terminal.ts";
import { explainFailure } from "./failures.ts";
import type { InstallationConfig } from "./installation-config.ts";
import type { Wrangler } from "./remote-wrangler.ts";

export type Deployment = {
	root: string;
	accountId: string;
	config: InstallationConfig;
	wrangler: Wrangler;
	signal: AbortSignal;
	/** The run's own folder, with the generated configuration. */
	folder: string;
};

const READY_TIMEOUT_MS = 180_000;
const READY_LOOK_MS = 1_000;

const configFile = (folder: string): string => join(folder, "wrangler.json");

/** Also removes files that a killed run left there. */
export function makeFolder(folder: string, config: InstallationConfig): void {
	removeFolder(folder);
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	writeFileSync(configFile(folder), JSON.stringify(config, null, "\t"), { mode: 0o600 });
}

export function removeFolder(folder: string): void {
	rmSync(folder, { recursive: true, force: true });
}

export async function createDatabase(deployment: Deployment, location: string | undefined): Promise<void> {
	const where = location === undefined ? [] : ["--location", location];
	const name = deployment.config.d1_databases[0].database_name;
	await run(deployment, ["d1", "create", name, ...where, "--update-config=false"]);
}

/** Returns whether there were any to apply. */
export async function applyMigrations(deployment: Deployment): Promise<boolean> {
	const { stdout } = await run(deployment, ["d1", "migrations", "apply", "DB", "--remote"]);
	return !stdout.includes("No migrations to apply");
}

/** The secrets that the Worker lacks, from the environment or generated here. Existing secrets are not changed. */
export function missingSecrets(required: string[], present: string[], environment: Record<string, string | undefined>) {
	const made: Values = randomSecrets();
	const missing = required.filter((name) => !present.includes(name));
	const unknown = missing.filter((name) => !environment[name] && !(name in made));
	if (unknown.length > 0) {
		throw new PlainError(
			`The Worker lacks ${unknown.join(", ")}, which wrangler.toml requires. Set ${unknown.length === 1 ? "it" : "them"} in the environment.`,
		);
	}
	const unset = missing.filter((name) => !environment[name]);
	if (environment.CI && unset.length > 0) {
		throw new PlainError(
			`Set ${unset.join(" and ")} in the environment for the first deployment: one that is made here would be in the log of CI.`,
		);
	}
	const secrets: Values = {};
	for (const name of missing) secrets[name] = environment[name] || (made[name] ?? "");
	return { secrets, isMade: (name: string) => name in secrets && !environment[name] };
}

/** Uploads the Worker with `secrets`, and connects queues, cron and address. Returns the addresses. */
export async function uploadWorker(deployment: Deployment, secrets: Values): Promise<string[]> {
	const secretsFile = join(deployment.folder, "secrets.json");
	const outputFile = join(deployment.folder, "output.ndjson");
	const hasSecrets = Object.keys(secrets).length > 0;
	try {
		if (hasSecrets) writeFileSync(secretsFile, JSON.stringify(secrets), { mode: 0o600 });
		const withSecrets = hasSecrets ? ["--secrets-file", secretsFile] : [];
		await run(deployment, ["deploy", ...withSecrets], { WRANGLER_OUTPUT_FILE_PATH: outputFile });
	} finally {
		rmSync(secretsFile, { force: true });
	}
	return deployedTo(readFileSync(outputFile, "utf8"));
}

const OutputLine = z.looseObject({ type: z.string(), targets: z.array(z.string()).nullish() });

function deployedTo(output: string): string[] {
	const lines = output.split("\n").filter((line) => line !== "");
	const entries = lines.map((line) => OutputLine.parse(JSON.parse(line)));
	const targets = entries.flatMap(({ type, targets }) => (type === "deploy" ? (targets ?? []) : []));
	return targets.filter((target) => target.startsWith("https://"));
}

/** A new address takes seconds to resolve, and a new subdomain's certificate takes minutes. */
export async function waitUntilReady(url: string, signal: AbortSignal, timeoutMs = READY_TIMEOUT_MS): Promise<void> {
	const giveUpAt = Date.now() + timeoutMs;
	let last = "";
	while (Date.now() < giveUpAt) {
		signal.throwIfAborted();
		const answer = await callApi(`${url}/healthz`, { timeoutMs: 10_000 }).catch((error: Error) => error);
		if (!(answer instanceof Error) && answer.status === 200) return;
		last = answer instanceof Error ? answer.message : `${answer.status} ${messageOf(answer.body)}`;
		await sleep(READY_LOOK_MS, undefined, { signal });
	}
	throw new PlainError(
		`Holdfast is deployed, but ${url}/healthz was not ready within ${timeoutMs / 1_000} seconds: ${last}\nA new workers.dev address may take some minutes. Try that address again, or npm run deploy.`,
	);
}

async function run(deployment: Deployment, args: string[], environment?: Record<string, string>) {
	const { wrangler, folder, accountId } = deployment;
	const account = { CLOUDFLARE_ACCOUNT_ID: accountId };
	const result = await wrangler([...args, "--config", configFile(folder)], { ...account, ...environment });
	if (!result.ok) throw explainFailure(result, deployment, args);
	return result;
}
