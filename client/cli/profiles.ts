/** Where the service is, and with which key: by environment, or by the profile that `holdfast login` stored. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { UsageError } from "./exit-codes.ts";

export type Environment = Record<string, string | undefined>;

export interface TargetFlags {
	url?: string | undefined;
	profile?: string | undefined;
}

interface Profile {
	url: string;
	key: string;
}

interface Stored {
	/** The profile in use. */
	profile: string;
	profiles: Record<string, Profile>;
}

const LOCAL_URL = "http://127.0.0.1:8787";
const OTHERS = 0o077;

const withoutSlash = (url: string) => url.replace(/\/+$/, "");

export class Profiles {
	readonly #env: Environment;
	readonly #path: string;
	readonly #warn: (text: string) => void;

	constructor(env: Environment, warn: (text: string) => void) {
		const folder = env.XDG_CONFIG_HOME ?? join(env.HOME ?? homedir(), ".config");
		this.#env = env;
		this.#path = join(folder, "holdfast", "config.json");
		this.#warn = warn;
	}

	/** The profile and the address of a command: flags win over the environment, and that over the profile in use. */
	target(flags: TargetFlags): { name: string; isNamed: boolean; url: string } {
		const stored = this.#read();
		const named = flags.profile ?? this.#env.HOLDFAST_PROFILE;
		const name = named ?? stored.profile;
		const url = flags.url ?? this.#env.HOLDFAST_URL ?? stored.profiles[name]?.url ?? LOCAL_URL;
		return { name, isNamed: named !== undefined, url: withoutSlash(url) };
	}

	/** The address and the key of a command. */
	connection(flags: TargetFlags): { url: string; key: string | null } {
		const { name, isNamed, url } = this.target(flags);
		const profile = this.#read().profiles[name];
		if (profile === undefined && isNamed)
			throw new UsageError(`There is no profile ${name}. Make it with \`holdfast login --profile ${name}\`.`);
		// The key of a profile goes nowhere but to the service that it was stored for.
		const own = profile !== undefined && withoutSlash(profile.url) === url ? profile.key : null;
		return { url, key: this.#env.HOLDFAST_API_KEY ?? own ?? this.#developmentKey(url) };
	}

	save(name: string, profile: Profile): void {
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

	/** Of what `npm start` runs in this folder. Null: there is none. */
	#developmentKey(url: string): string | null {
		const path = join(this.#env.STATE_DIR ?? ".wrangler", "development-key.json");
		if (url !== LOCAL_URL || !existsSync(path)) return null;
		const { key }: { key?: string } = JSON.parse(readFileSync(path, "utf8"));
		return key ?? null;
	}

	#read(): Stored {
		if (!existsSync(this.#path)) return { profile: "default", profiles: {} };
		if ((statSync(this.#path).mode & OTHERS) !== 0)
			this.#warn(`Others can read your keys in ${this.#path}: chmod 600 ${this.#path}`);
		const stored: Stored = JSON.parse(readFileSync(this.#path, "utf8"));
		return stored;
	}

	#write(stored: Stored): void {
		mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
		writeFileSync(this.#path, `${JSON.stringify(stored, null, 2)}\n`, { mode: 0o600 });
		// The mode above is that of a new file alone.
		chmodSync(this.#path, 0o600);
	}
}
