/** Failures of wrangler, as messages that say what to do. */
import { outputFilter } from "../filter-output.ts";
import { PlainError } from "../terminal.ts";
import type { WranglerRun } from "./remote-wrangler.ts";

type Place = { root: string; accountId: string };

export const R2_NOT_ENABLED = 10042;

export function r2IsNotEnabled(accountId: string): PlainError {
	return new PlainError(
		`R2 is not enabled on this account. Enable it once in the dashboard, by its checkout:\n  https://dash.cloudflare.com/${accountId}/r2/overview`,
	);
}

/** By Cloudflare's error code, as wrangler prints it. */
const KNOWN: Record<string, (accountId: string) => string> = {
	100328: (id) =>
		`This account is on the Workers Free plan, which refuses limits.cpu_ms, and Holdfast needs Workers Paid. Switch plans, then run the same command again:\n  https://dash.cloudflare.com/${id}/workers/plans`,
	[R2_NOT_ENABLED]: (id) => r2IsNotEnabled(id).message,
	11004: () =>
		"One of the queues already has another Worker as its consumer. Deploy under another name: npm run deploy -- --name <name>",
};

export function explainFailure(run: WranglerRun, { root, accountId }: Place, args: string[]): PlainError {
	const output = `${run.stdout}\n${run.stderr}`;
	for (const [code, words] of Object.entries(KNOWN)) {
		if (output.includes(`[code: ${code}]`)) return new PlainError(words(accountId));
	}
	return new PlainError(
		[`wrangler ${commandOf(args)} failed:`, complaintOf(run, root), adviceFor(run, args)].join("\n"),
	);
}

const commandOf = (args: string[]): string =>
	args
		.filter((arg) => /^[a-z0-9]+$/.test(arg))
		.slice(0, 3)
		.join(" ");

function adviceFor(run: WranglerRun, args: string[]): string {
	if (!args.includes("migrations")) return "What was done stays, and the same command again goes on from there.";
	return `Migration ${failedMigration(run)} failed and is rolled back. Those before it stay applied, and nothing else was changed: the same command again goes on with the one that failed.`;
}

/** Wrangler prints a table of the pending migrations, and again after each success, with a mark in it. */
function failedMigration({ stdout }: WranglerRun): string {
	const rows = [...stdout.matchAll(/│ (\S+\.sql)\s+│(.*)/g)].map(([, name = "", status = ""]) => ({ name, status }));
	const applied = new Set(rows.flatMap(({ name, status }) => (status.includes("✅") ? [name] : [])));
	return rows.find(({ name }) => !applied.has(name))?.name ?? "";
}

function complaintOf(run: WranglerRun, root: string): string {
	const filter = outputFilter(root, []);
	const lines = (run.stderr.trim() === "" ? run.stdout : run.stderr).split("\n");
	return lines
		.map(filter)
		.filter((line) => line !== null && !/If you think this is a bug/.test(line))
		.map((line) => `  ${line}`)
		.join("\n");
}
