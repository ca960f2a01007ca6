/** What `npm run admin` asks the service for, and how it shows the answer. Pure: the words of the command in, a request out. */
import { PlainError } from "./terminal.ts";

export type Flags = {
	name?: string | undefined;
	limit?: string[] | undefined;
	scopes?: string | undefined;
	expires?: string | undefined;
	yes?: boolean | undefined;
};

/** `path` goes behind `/v1/admin`. */
export type AdminRequest = {
	method: "GET" | "POST" | "PATCH" | "DELETE";
	path: string;
	body?: Record<string, unknown>;
	/** Of a list, of which every page is asked for. */
	columns?: string[];
	/** What to say where the answer is empty. */
	done?: string;
};

type Command = (words: Words, flags: Flags) => AdminRequest;

/** The words after a command's name, which it takes in turn. */
class Words {
	readonly #left: string[];

	constructor(words: string[]) {
		this.#left = [...words];
	}

	needed(what: string): string {
		const word = this.#left.shift();
		if (word) return word;
		throw new PlainError(`This command needs ${what}.`);
	}

	optional(): string | undefined {
		return this.#left.shift();
	}

	/** A name of several words wants quotes, and would be cut short without. */
	end(): void {
		if (this.#left.length > 0) throw new PlainError(`There is a word too many: "${this.#left[0]}".`);
	}
}

const commands: Record<string, Command> = {
	"tenants list": () => ({ method: "GET", path: "/tenants", columns: ["id", "name", "created_at"] }),
	"tenants create": (words, { limit }) => {
		const name = words.needed("a name");
		return { method: "POST", path: "/tenants", body: { name, ...limitsFrom(limit) } };
	},
	"tenants show": (words) => ({ method: "GET", path: tenantPath(words) }),
	"tenants update": (words, { name, limit }) => {
		const path = tenantPath(words);
		const body = { ...(name === undefined ? {} : { name }), ...limitsFrom(limit) };
		if (Object.keys(body).length === 0) throw new PlainError("Say what to change: --name or --limit.");
		return { method: "PATCH", path, body };
	},
	"tenants delete": (words, { yes }) => {
		const tenant = words.needed("a tenant's id");
		if (!yes) throw new PlainError(`This erases everything of ${tenant}, for good: add --yes.`);
		return {
			method: "DELETE",
			path: `/tenants/${encodeURIComponent(tenant)}`,
			done: `Deleted ${tenant}. What it stored is being erased.`,
		};
	},
	"tenants audit-log": (words) => ({
		method: "GET",
		path: `${tenantPath(words)}/audit_log`,
		columns: ["created_at", "actor", "action", "target_id"],
	}),
	"keys list": (words) => ({
		method: "GET",
		path: `${tenantPath(words)}/keys`,
		columns: ["id", "name", "scopes", "last_used_at", "expires_at", "revoked_at"],
	}),
	"keys create": (words, { scopes, expires }) => {
		const path = `${tenantPath(words)}/keys`;
		const body: Record<string, unknown> = { name: words.optional() ?? "unnamed" };
		if (scopes !== undefined) body.scopes = scopes.split(",").map((scope) => scope.trim());
		if (expires !== undefined) body.expires_at = expires;
		return { method: "POST", path, body };
	},
	"keys revoke": (words) => {
		const key = words.needed("a key's id");
		return { method: "DELETE", path: `/keys/${encodeURIComponent(key)}`, done: `Revoked ${key}.` };
	},
	status: () => ({ method: "GET", path: "/status" }),
};

/** Throws a PlainError for what is no command. */
export function adminRequest(words: string[], flags: Flags): AdminRequest {
	const name = words[0] === "status" ? "status" : words.slice(0, 2).join(" ");
	const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
	if (command === undefined) throw new PlainError(`There is no command "${name}".`);
	const rest = new Words(words.slice(name.split(" ").length));
	const request = command(rest, flags);
	rest.end();
	return request;
}

function tenantPath(words: Words): string {
	return `/tenants/${encodeURIComponent(words.needed("a tenant's id"))}`;
}

/** From `open_jobs=5` and `open_jobs=none`. Which limits there are is the service's to say. */
function limitsFrom(given: string[] | undefined): { limits?: Record<string, number | null> } {
	if (given === undefined) return {};
	const limits = given.map((text): [string, number | null] => {
		const [, name, value] = /^(\w+)=(\d+|none)$/.exec(text) ?? [];
		if (name === undefined || value === undefined) {
			throw new PlainError(`A limit looks like open_jobs=5 or open_jobs=none, and not like "${text}".`);
		}
		return [name, value === "none" ? null : Number(value)];
	});
	return { limits: Object.fromEntries(limits) };
}
