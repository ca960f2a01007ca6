/**
 * `npm run admin -- <command>`: tenants, keys and status of a local or deployed service, by its admin routes.
 * The output is JSON, or one row a line with tabs between, so that other programs can read it.
 */
import { parseArgs } from "node:util";
import { isLoopbackHost } from "../shared/core/webhooks/webhook-address.ts";
import { type AdminRequest, adminRequest, type Flags } from "./lib/admin-request.ts";
import { type Call, callForSuccess } from "./lib/call-api.ts";
import { adminTokenFor } from "./lib/env-file.ts";
import { complain, dim, escapeControls, PlainError, say } from "./lib/terminal.ts";

const HELP = `Usage: npm run admin -- <command>

  tenants list                     every tenant: id, name, created at
  tenants create <name>
  tenants show <tenant>
  tenants update <tenant>
      --name <name>
      --limit open_jobs=5            or open_jobs=none; repeatable; also for "tenants create"
  tenants delete <tenant> --yes    erase the tenant and its data permanently, except its audit log
  tenants audit-log <tenant>       who changed what, newest first: time, actor, action, target
  keys list <tenant>               its keys: id, name, scopes, last used at, expires at, revoked at
  keys create <tenant> [name]      the key is shown only once
      --scopes a,b                   what it may do (default: all but keys:manage)
      --expires <RFC 3339>           when it expires (default: never)
  keys revoke <key>                by its id, key_…
  status                           open jobs, pending deliveries, parked jobs and the last sweep

Environment:
  HOLDFAST_URL  the service's URL (default: http://127.0.0.1:8787)
  ADMIN_TOKEN   its admin token (default for a service on this machine: the one in .dev.vars)`;

type Row = Record<string, unknown>;
type List = { data: Row[]; has_more: boolean; last_id: string | null };
type Admin = <T = Row>(path: string, call?: Omit<Call, "token">) => Promise<T>;

async function main(): Promise<void> {
	const { words, flags } = readArguments();
	if (flags.help || words.length === 0) return say(HELP);
	const request = withHint(() => adminRequest(words, flags));
	await carryOut(connect(), request);
}

async function carryOut(admin: Admin, { method, path, body, columns, done }: AdminRequest): Promise<void> {
	if (columns !== undefined) return printRows(await allRows(admin, path), columns);
	const response = await admin<Row | "">(path, body === undefined ? { method } : { method, body });
	if (response !== "") return printJson(response);
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
	const { positionals, values } = withHint(() => parseArgs({ allowPositionals: true, options }));
	return { words: positionals, flags: values };
}

/** Adds the way to the help to the message of an error in the arguments. */
function withHint<T>(read: () => T): T {
	try {
		return read();
	} catch (error) {
		throw new PlainError(`${(error as Error).message} See npm run admin -- --help`);
	}
}

function connect(): Admin {
	const text = process.env.HOLDFAST_URL || "http://127.0.0.1:8787";
	if (!URL.canParse(text)) throw new PlainError(`HOLDFAST_URL is not a valid URL: ${text}`);
	const { protocol, hostname } = new URL(text);
	if (protocol !== "https:" && !isLoopbackHost(hostname))
		throw new PlainError("HOLDFAST_URL must begin with https://, or the admin token would be sent unencrypted.");
	const base = `${text.replace(/\/+$/, "")}/v1/admin`;
	const token = adminTokenFor(new URL(text));
	return (path, call) => callForSuccess(base + path, { ...call, token });
}

async function allRows(admin: Admin, path: string): Promise<Row[]> {
	const rows: Row[] = [];
	for (let after = ""; ; ) {
		const page = await admin<List>(`${path}?limit=100${after}`);
		rows.push(...page.data);
		if (!page.has_more || page.last_id === null) return rows;
		after = `&after=${page.last_id}`;
	}
}

/** Column names are for people: a pipe gets only the rows. */
function printRows(rows: Row[], columns: string[]): void {
	if (process.stdout.isTTY) say(dim(columns.join("\t")));
	for (const row of rows) say(columns.map((column) => escapeControls(String(row[column] ?? "-"))).join("\t"));
}

function printJson(body: Row): void {
	say(JSON.stringify(body, null, 2));
}

main().catch((error) => {
	complain(error);
	process.exitCode = 1;
});
