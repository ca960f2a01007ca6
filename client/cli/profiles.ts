/** Where the service is, and with which key: by environment, or by the profile that `holdfast login` stored. */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";
import { UsageError } from "./exit-codes.ts";

export type Environment = Record<string, string | undefined>;

export interface TargetFlags {
	url?: string | undefined;
	profile?: string | undefined;
}

export interface Connection {
	url: string;
	key: string;
}

interface Stored {
	/** The profile in use. */
	profile: string;
	profiles: Record<string, Connection>;
}

const LOCAL_URL = "http://127.0.0.1:8787";
const OTHERS = 0o077;
const LOOPBACK = /^(127\.0\.0\.1|localhost|\[::1\])$/;
const DEV_VARS = ".dev.vars";

const withoutSlash = (url: string) => url.replace(/\/+$/, "");

/** A variable that is empty is not set, as CI systems leave one whose secret is missing. */
export function settingOf(env: Environment, name: string): string | undefined {
	return env[name] === "" ? undefined : env[name];
}

export class Profiles {
	readonly #env: Environment;
	readonly #path: string;
	readonly #warn: (text: string) => void;
	#hasWarned = false;

	constructor(env: Environment, warn: (text: string) => void) {
		const folder = settingOf(env, "XDG_CONFIG_HOME") ?? join(settingOf(env, "HOME") ?? homedir(), ".config");
		this.#env = env;
		this.#path = join(folder, "holdfast", "config.json");
		this.#warn = warn;
	}

	/** The profile and the address of a command. Flags win over the environment, and that over the profile in use. */
	target(flags: TargetFlags): { name: string; url: string } {
		const { name, isNamed, url } = this.loginTarget(flags);
		if (isNamed && this.#read().profiles[name] === undefined)
			throw new UsageError(`There is no profile ${name}. Make it with \`holdfast login --profile ${name}\`.`);
		return { name, url };
	}

	/** Also of a profile that does not exist. */
	loginTarget(flags: TargetFlags): { name: string; isNamed: boolean; url: string } {
		const stored = this.#read();
		const named = flags.profile ?? this.#setting("HOLDFAST_PROFILE");
		const name = named ?? stored.profile;
		const ofEnv = this.#setting("HOLDFAST_URL");
		const ofProfile = stored.profiles[name]?.url;
		const [first, second] = flags.profile === undefined ? [ofEnv, ofProfile] : [ofProfile, ofEnv];
		const url = flags.url ?? first ?? second ?? LOCAL_URL;
		if (!/^https?:\/\//.test(url) || !URL.canParse(url))
			throw new UsageError(`The address of the service must begin with http:// or https://, and is ${url}`);
		return { name, isNamed: named !== undefined, url: withoutSlash(url) };
	}

	/** The address and the key of a command. */
	connection(flags: TargetFlags): { url: string; key: string | null } {
		const { name, url } = this.target(flags);
		const profile = this.#read().profiles[name];
		// The key of a profile goes nowhere but to the service that it was stored for.
		const own = profile !== undefined && withoutSlash(profile.url) === url ? profile.key : null;
		const ofEnv = flags.profile === undefined ? this.#setting("HOLDFAST_API_KEY") : undefined;
		return { url, key: ofEnv ?? own ?? this.#developmentKey(url) };
	}

	#setting(name: string): string | undefined {
		return settingOf(this.#env, name);
	}

	save(name: string, profile: Connection): void {
		const stored = this.#read();
		this.#write({ profile: name, profiles: { ...stored.profiles, [name]: profile } });
	}

	/** False: there is no such profile. */
	use(name: string): boolean {
		const stored = this.#read();
		if (stored.profiles[name] === undefined) return false;
		this.#write({ ...stored, profile: name });
		return true;
	}

	/** False: there is no such profile. */
	remove(name: string): boolean {
		const stored = this.#read();
		const { [name]: removed, ...profiles } = stored.profiles;
		if (removed !== undefined) this.#write({ ...stored, profiles });
		return removed !== undefined;
	}

	/** Without their keys. */
	list(): { name: string; url: string; in_use: boolean }[] {
		const { profile, profiles } = this.#read();
		return Object.entries(profiles).map(([name, { url }]) => ({ name, url, in_use: name === profile }));
	}

	/** The operator's token. That of `npm start` in this folder goes to no other service. */
	adminConnection(flags: TargetFlags): Connection {
		const { url } = this.target(flags);
		const { protocol, hostname } = new URL(url);
		const isLocal = LOOPBACK.test(hostname);
		if (protocol !== "https:" && !isLocal)
			throw new UsageError(`${url} must begin with https://, or the admin token would be sent unencrypted.`);
		const stored = isLocal && existsSync(DEV_VARS) ? parseEnv(readFileSync(DEV_VARS, "utf8")).ADMIN_TOKEN : undefined;
		const key = this.#setting("ADMIN_TOKEN") ?? stored;
		if (key) return { url, key };
		const where = isLocal ? `, in the environment or in ${DEV_VARS}, where npm start writes it` : "";
		throw new UsageError(`ADMIN_TOKEN is not set. Set it to the admin token of ${hostname}${where}.`);
	}

	/** Of what `npm start` runs in this folder. Null: there is none. */
	#developmentKey(url: string): string | null {
		const path = join(this.#setting("STATE_DIR") ?? ".wrangler", "development-key.json");
		if (url !== LOCAL_URL || !existsSync(path)) return null;
		const { key } = Object(parsed(readFileSync(path, "utf8")));
		return typeof key === "string" ? key : null;
	}

	#read(): Stored {
		if (!existsSync(this.#path)) return { profile: "default", profiles: Object.create(null) };
		if ((statSync(this.#path).mode & OTHERS) !== 0 && !this.#hasWarned) {
			this.#hasWarned = true;
			this.#warn(`Others can read your keys in ${this.#path}: chmod 600 ${this.#path}`);
		}
		const { profile, profiles } = Object(parsed(readFileSync(this.#path, "utf8")));
		const entries = Object.entries(Object(profiles));
		if (typeof profile !== "string" || !entries.every(([, one]) => isConnection(one)))
			throw new UsageError(
				`${this.#path} is not what \`holdfast login\` writes: {"profile": …, "profiles": {…: {"url": …, "key": …}}}. Correct it, or remove it and sign in again.`,
			);
		return { profile, profiles: Object.assign(Object.create(null), profiles) };
	}

	/** A reader finds the old file or the new one, and never a part. */
	#write(stored: Stored): void {
		mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
		const next = `${this.#path}.${process.pid}`;
		writeFileSync(next, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600 });
		renameSync(next, this.#path);
	}
}

function isConnection(value: unknown): value is Connection {
	const { url, key } = Object(value);
	return typeof url === "string" && URL.canParse(url) && typeof key === "string";
}

/** Undefined: it is not JSON. */
function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}
