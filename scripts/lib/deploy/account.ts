/**
 * Reads a Cloudflare account through its REST API, with wrangler's login, because error codes are more reliable than wrangler's
 * messages. It only reads. Wrangler makes all changes to the account.
 */
import { z } from "zod";
import { PlainError } from "../terminal.ts";
import type { Wrangler } from "./remote-wrangler.ts";

export type Account = { id: string; get(path: string): Promise<unknown> };

export class CloudflareError extends Error {
	readonly status: number;
	readonly code: number;

	constructor(path: string, status: number, { code, message }: { code: number; message: string }) {
		super(`${message} [code: ${code}] (GET ${path})`);
		this.status = status;
		this.code = code;
	}
}

const TIMEOUT_MS = 30_000;

const Login = z.discriminatedUnion("type", [
	z.object({ type: z.enum(["oauth", "api_token"]), token: z.string() }),
	z.object({ type: z.literal("api_key"), key: z.string(), email: z.string() }),
]);
type Login = z.infer<typeof Login>;
const Envelope = z.object({
	success: z.boolean(),
	errors: z.array(z.object({ code: z.number(), message: z.string() })).default([]),
	result: z.unknown(),
});
const Accounts = z.array(z.object({ id: z.string(), name: z.string() }));

export async function openAccount(login: Login, configured: string | undefined): Promise<Account> {
	const get = apiReader(login);
	// In wrangler's order, so that both use the same account.
	const id = configured || process.env.CLOUDFLARE_ACCOUNT_ID || (await onlyAccount(get));
	return { id, get: (path) => get(`/accounts/${id}${path}`) };
}

export async function readLogin(wrangler: Wrangler): Promise<Login> {
	const { CLOUDFLARE_API_TOKEN: token, CLOUDFLARE_API_KEY: key } = process.env;
	if (token && !key) return { type: "api_token", token };
	const { ok, stdout, stderr } = await wrangler(["auth", "token", "--json"]);
	if (!ok) {
		const reason = stderr.includes("Not logged in") ? "" : `\n${stderr.trim()}`;
		throw new PlainError(
			`Not logged in to Cloudflare. Run npx wrangler login, or set CLOUDFLARE_API_TOKEN, and try again.${reason}`,
		);
	}
	return Login.parse(JSON.parse(stdout));
}

function apiReader(login: Login): (path: string) => Promise<unknown> {
	const base = process.env.CLOUDFLARE_API_BASE_URL || "https://api.cloudflare.com/client/v4";
	const headers: Record<string, string> =
		login.type === "api_key"
			? { "x-auth-key": login.key, "x-auth-email": login.email }
			: { authorization: `Bearer ${login.token}` };
	return async (path) => {
		const response = await fetch(base + path, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error) => {
			throw new PlainError(`Cloudflare's API did not respond: ${error.cause?.message ?? error.message}`);
		});
		const envelope = Envelope.safeParse(await response.json().catch(() => null));
		if (!envelope.success) throw new PlainError(`Cloudflare's API responded ${response.status} to GET ${path}.`);
		if (envelope.data.success) return envelope.data.result;
		const [error = { code: 0, message: "no reason given" }] = envelope.data.errors;
		throw new CloudflareError(path, response.status, error);
	};
}

async function onlyAccount(get: (path: string) => Promise<unknown>): Promise<string> {
	const accounts = Accounts.parse(await get("/accounts?per_page=50").catch(explainApiError));
	const [account, ...others] = accounts;
	if (account === undefined)
		throw new PlainError("This login has no account. Set CLOUDFLARE_ACCOUNT_ID to the one to use.");
	if (others.length === 0) return account.id;
	const list = accounts.map(({ id, name }) => `  ${id}  ${name}`).join("\n");
	throw new PlainError(`This login has several accounts. Set CLOUDFLARE_ACCOUNT_ID to one of them:\n${list}`);
}

/** An error of the API as a message that says what to do. */
export function explainApiError(error: unknown): never {
	if (!(error instanceof CloudflareError)) throw error;
	if (![400, 401, 403].includes(error.status)) throw new PlainError(`Cloudflare's API failed: ${error.message}`);
	throw new PlainError(
		`Cloudflare refuses this login: ${error.message}\nRun npx wrangler login again, or check CLOUDFLARE_API_TOKEN and its permissions.`,
	);
}
