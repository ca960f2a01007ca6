/**
 * Env files: reading `.dev.vars`, creating it on the first start, and writing values so that wrangler reads the same back.
 * Secrets are passed in such a file because wrangler prints the values of flags.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { PlainError } from "./terminal.ts";

export type Values = Record<string, string>;

const OPENING = `# Secrets of the local service, made by \`npm start\`. Not for production, and not for git.
# A provider's key belongs here too, under the name that MODEL_ROUTES gives as "api_key_secret" or in "headers".
`;

export function readEnvFile(path: string): Values {
	return existsSync(path) ? (parseEnv(readFileSync(path, "utf8")) as Values) : {};
}

/** The values of `.dev.vars`. Adds the two required secrets if they are missing. */
export function ensureDevVars(path: string): Values {
	if (!existsSync(path)) writeFileSync(path, OPENING, { mode: 0o600 });
	const found = readEnvFile(path);
	const missing: Values = {};
	if (!found.ADMIN_TOKEN) missing.ADMIN_TOKEN = randomSecrets().ADMIN_TOKEN;
	if (!found.SIGNING_KEY) missing.SIGNING_KEY = randomSecrets().SIGNING_KEY;
	if (Object.keys(missing).length > 0) appendFileSync(path, `\n${formatEnvFile(missing)}`);
	return { ...found, ...missing };
}

export function isLocal({ hostname }: URL): boolean {
	return ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
}

/** The operator's token for a service. The one in `.dev.vars` belongs to the local service: it is never sent elsewhere. */
export function adminTokenFor(url: URL): string {
	const given = process.env.ADMIN_TOKEN;
	if (given) return given;
	if (!isLocal(url)) throw new PlainError(`ADMIN_TOKEN is not set. Set it to the admin token of ${url.hostname}.`);
	const token = readEnvFile(resolve(import.meta.dirname, "../../.dev.vars")).ADMIN_TOKEN;
	if (token) return token;
	throw new PlainError(
		"ADMIN_TOKEN is set neither in the environment nor in .dev.vars. npm start writes it to .dev.vars.",
	);
}

export function randomSecrets(): { ADMIN_TOKEN: string; SIGNING_KEY: string } {
	return { ADMIN_TOKEN: randomBytes(32).toString("base64url"), SIGNING_KEY: randomBytes(32).toString("base64") };
}

export function formatEnvFile(values: Values): string {
	return Object.entries(values)
		.map(([name, value]) => `${name}=${quoted(name, value)}\n`)
		.join("");
}

/**
 * Env files have no escape that every reader agrees on, so a value is quoted with a mark that it does not contain.
 * Three traps: a final backslash would swallow the closing quote, double quotes turn `\n` into a line break, and
 * carriage returns are read as line feeds.
 */
function quoted(name: string, value: string): string {
	if (/^[^\s#'"`]+$/.test(value)) return value;
	const quote = ["'", "`", '"'].find((mark) => !value.includes(mark) && !(mark === '"' && /\\[nr]/.test(value)));
	if (quote === undefined || value.endsWith("\\") || value.includes("\r")) {
		throw new PlainError(
			`${name} cannot be written to an env file: it contains all three kinds of quotes, a carriage return or a final backslash.`,
		);
	}
	return quote + value + quote;
}
