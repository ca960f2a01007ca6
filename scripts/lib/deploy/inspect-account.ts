/** What an account has and lacks before a deployment. All missing parts are reported at once. */
import { z } from "zod";
import { PlainError } from "../terminal.ts";
import { type Account, CloudflareError, explainApiError } from "./account.ts";
import { R2_NOT_ENABLED, r2IsNotEnabled } from "./failures.ts";
import type { InstallationConfig } from "./installation-config.ts";

export type Found = { hasDatabase: boolean; secrets: string[] };

const NOT_FOUND = {
	database: [7404],
	worker: [10007, 10090],
	subdomain: [10007, 10063],
};

const Names = z.array(z.object({ name: z.string() }));

export async function inspectAccount(account: Account, config: InstallationConfig): Promise<Found> {
	const [database, secrets, ...others] = await Promise.allSettled([
		hasDatabase(account, config),
		secretsOf(account, config.name),
		checkR2(account),
		checkSubdomain(account, config),
	]);
	const failures = [database, secrets, ...others].flatMap((check) =>
		check.status === "rejected" ? [check.reason] : [],
	);
	const unexpected = failures.find((failure) => !(failure instanceof PlainError));
	if (unexpected !== undefined) explainApiError(unexpected);
	if (database.status === "rejected" || secrets.status === "rejected" || failures.length > 0) {
		throw new PlainError(failures.map(({ message }) => message).join("\n\n"));
	}
	return { hasDatabase: database.value, secrets: secrets.value };
}

async function hasDatabase(account: Account, { d1_databases: [database] }: InstallationConfig): Promise<boolean> {
	if (database.database_id) return true;
	const found = await orMissing(account.get(`/d1/database/${database.database_name}`), NOT_FOUND.database);
	return found !== null;
}

/** The names of the Worker's secrets; none before its first deployment. Their values cannot be read. */
async function secretsOf(account: Account, worker: string): Promise<string[]> {
	const found = await orMissing(account.get(`/workers/scripts/${worker}/secrets`), NOT_FOUND.worker);
	return Names.parse(found ?? []).map(({ name }) => name);
}

async function checkR2(account: Account): Promise<void> {
	await account.get("/r2/buckets?per_page=1").catch((error) => {
		if (error instanceof CloudflareError && error.code === R2_NOT_ENABLED) throw r2IsNotEnabled(account.id);
		throw error;
	});
}

async function checkSubdomain(account: Account, config: InstallationConfig): Promise<void> {
	if (config.workers_dev !== true) return;
	if ((await orMissing(account.get("/workers/subdomain"), NOT_FOUND.subdomain)) !== null) return;
	throw new PlainError(
		`This account has no workers.dev subdomain. Opening its Workers page once makes one:\n  https://dash.cloudflare.com/${account.id}/workers/onboarding`,
	);
}

async function orMissing(read: Promise<unknown>, codes: number[]): Promise<unknown> {
	return await read.catch((error) => {
		if (error instanceof CloudflareError && codes.includes(error.code)) return null;
		throw error;
	});
}
