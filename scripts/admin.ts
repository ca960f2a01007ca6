/**
 * `npm run admin -- <command>`: tenants, keys and status of a local or deployed service, by its admin routes.
 * Answers are JSON or one line per row with tabs between, so that other programs can read them.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Call, callForSuccess } from "./lib/call-api.ts";
import { readEnvFile } from "./lib/env-file.ts";
import { complain, dim, PlainError, say } from "./lib/terminal.ts";

const HELP = `Usage: npm run admin -- <command>

  tenants                          every tenant: id, name, when it was made
  create-tenant <name>
  delete-tenant <tenant>           and everything of it, for good, but its audit log
  audit-log <tenant>               who changed what, newest first: when, who, what, to what
  keys <tenant>                    its keys: id, name, scopes, until when good, since when revoked
  create-key <tenant> [name]       the key is shown this once
      --scopes a,b                   what it may do (all but keys:manage)
      --expires <RFC 3339>           until when (for good)
  revoke-key <key>                 by its id, key_…
  status                           backlog, parked keys and the last sweep

Environment:
  HOLDFAST_URL  the service (http://127.0.0.1:8787)
  ADMIN_TOKEN   its secret; for a service on this machine the one in .dev.vars will do`;

type Flags = { scopes?: string; expires?: string; help?: boolean };
type Row = Record<string, unknown>;
type List = { data: Row[]; has_more: boolean; last_id: string | null };
type Admin = <T = Row>(path: string, call?: Omit<Call, "token">) => Promise<T>;
type Command = (admin: Admin, words: string[], flags: Flags) => Promise<void>;

const commands: Record<string, Command> = {
	tenants: async (admin) => printRows(await everyRow(admin, "/tenants"), ["id", "name", "created_at"]),

	"create-tenant": async (admin, words) => {
		const name = needed(words, 0, "a name");
		printJson(await admin("/tenants", { method: "POST", body: { name } }));
	},

	"delete-tenant": async (admin, words) => {
		const tenant = needed(words, 0, "a tenant's id");
		await admin(`/tenants/${tenant}`, { method: "DELETE" });
		say(`Deleted ${tenant}. What it stored is being erased.`);
	},

	"audit-log": async (admin, words) => {
		const rows = await everyRow(admin, `/tenants/${needed(words, 0, "a tenant's id")}/audit_log`);
		printRows(rows, ["created_at", "actor", "action", "target_id"]);
	},

	keys: async (admin, words) => {
		const tenant = needed(words, 0, "a tenant's id");
		printRows(await everyRow(admin, `/tenants/${tenant}/keys`), ["id", "name", "scopes", "expires_at", "revoked_at"]);
	},

	"create-key": async (admin, words, { scopes, expires }) => {
		const tenant = needed(words, 0, "a tenant's id");
		const body: Row = { name: words[1] ?? "unnamed" };
		if (scopes !== undefined) body.scopes = scopes.split(",").map((scope) => scope.trim());
		if (expires !== undefined) body.expires_at = expires;
		printJson(await admin(`/tenants/${tenant}/keys`, { method: "POST", body }));
	},

	"revoke-key": async (admin, words) => {
		const key = needed(words, 0, "a key's id");
		await admin(`/keys/${key}`, { method: "DELETE" });
		say(`Revoked ${key}.`);
	},

	status: async (admin) => printJson(await admin("/status")),
};

async function main(): Promise<void> {
	const { words, flags } = readArguments();
	const [name, ...rest] = words;
	if (flags.help || name === undefined) return say(HELP);
	const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
	if (command === undefined) throw new PlainError(`There is no command "${name}".\n\n${HELP}`);
	await command(connect(), rest, flags);
}

function readArguments(): { words: string[]; flags: Flags } {
	const options = {
		scopes: { type: "string" },
		expires: { type: "string" },
		help: { type: "boolean", short: "h" },
	} as const;
	try {
		const { positionals, values } = parseArgs({ allowPositionals: true, options });
		return { words: positionals, flags: values };
	} catch (error) {
		throw new PlainError(`${(error as Error).message}\n\n${HELP}`);
	}
}

function connect(): Admin {
	const text = process.env.HOLDFAST_URL || "http://127.0.0.1:8787";
	if (!URL.canParse(text)) throw new PlainError(`HOLDFAST_URL is not a URL: ${text}`);
	const base = `${text.replace(/\/+$/, "")}/v1/admin`;
	const token = process.env.ADMIN_TOKEN || localToken(new URL(text));
	return (path, call) => callForSuccess(base + path, { ...call, token });
}

/** The token in `.dev.vars` is for this machine alone: it is never sent to another. */
function localToken({ hostname }: URL): string {
	if (!["127.0.0.1", "localhost", "[::1]"].includes(hostname)) {
		throw new PlainError(`Set ADMIN_TOKEN to the admin token of ${hostname}.`);
	}
	const token = readEnvFile(resolve(join(import.meta.dirname, "../.dev.vars"))).ADMIN_TOKEN;
	if (token) return token;
	throw new PlainError("There is no ADMIN_TOKEN in the environment or in .dev.vars. npm start writes one.");
}

async function everyRow(admin: Admin, path: string): Promise<Row[]> {
	const rows: Row[] = [];
	for (let after = ""; ; ) {
		const page = await admin<List>(`${path}?limit=100${after}`);
		rows.push(...page.data);
		if (!page.has_more || page.last_id === null) return rows;
		after = `&after=${page.last_id}`;
	}
}

function needed(words: string[], index: number, what: string): string {
	const word = words[index];
	if (word) return word;
	throw new PlainError(`This command needs ${what}. See npm run admin -- --help`);
}

/** The names of the columns are for people: whoever reads from a pipe gets the rows alone. */
function printRows(rows: Row[], columns: string[]): void {
	if (process.stdout.isTTY) say(dim(columns.join("\t")));
	for (const row of rows) say(columns.map((column) => String(row[column] ?? "-")).join("\t"));
}

function printJson(body: Row): void {
	say(JSON.stringify(body, null, 2));
}

main().catch((error) => {
	complain(error);
	process.exitCode = 1;
});
