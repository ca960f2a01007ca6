/**
 * `npm run admin -- <command>`: tenants, keys and status of a local or deployed service, by its admin routes.
 * Answers are JSON or one line per row with tabs between, so that other programs can read them.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type AdminRequest, adminRequest, type Flags } from "./lib/admin-request.ts";
import { type Call, callForSuccess } from "./lib/call-api.ts";
import { readEnvFile } from "./lib/env-file.ts";
import { complain, dim, PlainError, say } from "./lib/terminal.ts";

const HELP = `Usage: npm run admin -- <command>

  tenants list                     every tenant: id, name, when it was made
  tenants create <name>
  tenants show <tenant>
  tenants update <tenant>
      --name <name>
      --limit open_jobs=5            or open_jobs=none; may be given several times, to create, too
  tenants delete <tenant> --yes    and everything of it, for good, but its audit log
  tenants audit-log <tenant>       who changed what, newest first: when, who, what, to what
  keys list <tenant>               its keys: id, name, scopes, last used, until when good, since when revoked
  keys create <tenant> [name]      the key is shown this once
      --scopes a,b                   what it may do (all but keys:manage)
      --expires <RFC 3339>           until when (for good)
  keys revoke <key>                by its id, key_…
  status                           backlog, parked keys and the last sweep

Environment:
  HOLDFAST_URL  the service (http://127.0.0.1:8787)
  ADMIN_TOKEN   its secret; for a service on this machine the one in .dev.vars will do`;

type Row = Record<string, unknown>;
type List = { data: Row[]; has_more: boolean; last_id: string | null };
type Admin = <T = Row>(path: string, call?: Omit<Call, "token">) => Promise<T>;

async function main(): Promise<void> {
	const { words, flags } = readArguments();
	if (flags.help || words.length === 0) return say(HELP);
	const request = asked(() => adminRequest(words, flags));
	await carryOut(connect(), request);
}

async function carryOut(admin: Admin, { method, path, body, columns, done }: AdminRequest): Promise<void> {
	if (columns !== undefined) return printRows(await everyRow(admin, path), columns);
	const answer = await admin<Row | "">(path, body === undefined ? { method } : { method, body });
	if (answer !== "") return printJson(answer);
	say(done ?? "Done.");
}

function readArguments(): { words: string[]; flags: Flags & { help?: boolean | undefined } } {
	const options = {
		name: { type: "string" },
		limit: { type: "string", multiple: true },
		scopes: { type: "string" },
		expires: { type: "string" },
		yes: { type: "boolean" },
		help: { type: "boolean", short: "h" },
	} as const;
	const { positionals, values } = asked(() => parseArgs({ allowPositionals: true, options }));
	return { words: positionals, flags: values };
}

/** What a command was given wrong is told with the way to the right one. */
function asked<T>(read: () => T): T {
	try {
		return read();
	} catch (error) {
		throw new PlainError(`${(error as Error).message} See npm run admin -- --help`);
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

/** The names of the columns are for people: whoever reads from a pipe gets the rows alone. */
function printRows(rows: Row[], columns: string[]): void {
	if (process.stdout.isTTY) say(dim(columns.join("\t")));
	for (const row of rows) say(columns.map((column) => plain(String(row[column] ?? "-"))).join("\t"));
}

/** Tenants name their keys themselves, and must not talk to the operator's terminal. */
function plain(text: string): string {
	return text.replace(/\p{Cc}/gu, "?");
}

function printJson(body: Row): void {
	say(JSON.stringify(body, null, 2));
}

main().catch((error) => {
	complain(error);
	process.exitCode = 1;
});
