/** Turns the words of an `npm run admin` command into the request it sends and the way its response is shown. Pure. */
import { PlainError } from "./terminal.ts";

export type Flags = {
	name?: string | undefined;
	limit?: string[] | undefined;
	scopes?: string | undefined;
	expires?: string | undefined;
	yes?: boolean | undefined;
};

/** `path` is relative to `/v1/admin`. */
export type AdminRequest = {
	method: "GET" | "POST" | "PATCH" | "DELETE";
	path: string;
	body?: Record<string, unknown>;
	/** The columns to print of a list. All its pages are fetched. */
	columns?: string[];
	/** What to print when the response has no body. */
	done?: string;
};

type Command = {
	/** The arguments that it requires, as an error message names them. */
	needs: readonly string[];
	/** How many more arguments it accepts. */
	optional?: number;
	request(args: string[], flags: Flags): AdminRequest;
};

const commands: Record<string, Command> = {
	"tenants list": {
		needs: [],
		request: () => ({ method: "GET", path: "/tenants", columns: ["id", "name", "created_at"] }),
	},
	"tenants create": {
		needs: ["a name"],
		request: ([name], { limit }) => ({ method: "POST", path: "/tenants", body: { name, ...limitsFrom(limit) } }),
	},
	"tenants show": {
		needs: ["a tenant id"],
		request: ([tenant]) => ({ method: "GET", path: tenantPath(tenant) }),
	},
	"tenants update": {
		needs: ["a tenant id"],
		request([tenant], { name, limit }) {
			const body = { ...(name === undefined ? {} : { name }), ...limitsFrom(limit) };
			if (Object.keys(body).length === 0) throw new PlainError("Nothing to update: pass --name or --limit.");
			return { method: "PATCH", path: tenantPath(tenant), body };
		},
	},
	"tenants delete": {
		needs: ["a tenant id"],
		request([tenant], { yes }) {
			if (!yes) throw new PlainError(`This permanently erases everything of ${tenant}. Pass --yes to confirm.`);
			return { method: "DELETE", path: tenantPath(tenant), done: `Deleted ${tenant}. Its data is being erased.` };
		},
	},
	"tenants audit-log": {
		needs: ["a tenant id"],
		request: ([tenant]) => ({
			method: "GET",
			path: `${tenantPath(tenant)}/audit_log`,
			columns: ["created_at", "actor", "action", "target_id"],
		}),
	},
	"keys list": {
		needs: ["a tenant id"],
		request: ([tenant]) => ({
			method: "GET",
			path: `${tenantPath(tenant)}/keys`,
			columns: ["id", "name", "scopes", "last_used_at", "expires_at", "revoked_at"],
		}),
	},
	"keys create": {
		needs: ["a tenant id"],
		optional: 1,
		request([tenant, name = "unnamed"], { scopes, expires }) {
			const body: Record<string, unknown> = { name };
			if (scopes !== undefined) body.scopes = scopes.split(",").map((scope) => scope.trim());
			if (expires !== undefined) body.expires_at = expires;
			return { method: "POST", path: `${tenantPath(tenant)}/keys`, body };
		},
	},
	"keys revoke": {
		needs: ["a key id"],
		request: ([key = ""]) => ({
			method: "DELETE",
			path: `/keys/${encodeURIComponent(key)}`,
			done: `Revoked ${key}.`,
		}),
	},
	status: { needs: [], request: () => ({ method: "GET", path: "/status" }) },
};

/** Throws a PlainError if the words are not a command with its arguments. */
export function adminRequest(words: string[], flags: Flags): AdminRequest {
	const name = words[0] === "status" ? "status" : words.slice(0, 2).join(" ");
	const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
	if (command === undefined) throw new PlainError(`Unknown command "${name}".`);
	const args = words.slice(name.split(" ").length);
	const missing = command.needs.find((_, index) => !args[index]);
	if (missing !== undefined) throw new PlainError(`"${name}" needs ${missing}.`);
	// A name of several words needs quotes, and would be cut short without.
	const extra = args[command.needs.length + (command.optional ?? 0)];
	if (extra !== undefined)
		throw new PlainError(`Unexpected argument "${extra}". Put quotes around a name with spaces.`);
	return command.request(args, flags);
}

function tenantPath(tenant = ""): string {
	return `/tenants/${encodeURIComponent(tenant)}`;
}

/** From `open_jobs=5` and `open_jobs=none`. The service validates the limits' names. */
function limitsFrom(given: string[] | undefined): { limits?: Record<string, number | null> } {
	if (given === undefined) return {};
	const limits = given.map((text): [string, number | null] => {
		const [, name, value] = /^(\w+)=(\d+|none)$/.exec(text) ?? [];
		if (name === undefined || value === undefined) {
			throw new PlainError(`Invalid limit "${text}". Expected open_jobs=5 or open_jobs=none.`);
		}
		return [name, value === "none" ? null : Number(value)];
	});
	return { limits: Object.fromEntries(limits) };
}
