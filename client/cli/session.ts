/** What a command works with. */

import type { Fetch } from "../http.ts";
import { Holdfast } from "../index.ts";
import { EXIT, type ExitCode, UsageError } from "./exit-codes.ts";
import { Output, type Stream } from "./output.ts";
import { type Environment, Profiles } from "./profiles.ts";

/** What surrounds a command. Tests have their own. */
export interface Surroundings {
	stdout: Stream;
	stderr: Stream;
	readStdin(): Promise<string>;
	env: Environment;
	fetch?: Fetch;
	/** Aborts when the user interrupts. */
	signal: AbortSignal;
}

/** Flags that every command takes. */
export interface SharedFlags {
	url?: string;
	profile?: string;
	json?: boolean;
}

export class CliSession {
	readonly surroundings: Surroundings;
	readonly out: Output;
	readonly profiles: Profiles;
	readonly #flags: SharedFlags;
	exitCode: ExitCode = EXIT.done;

	constructor(surroundings: Surroundings, flags: SharedFlags) {
		this.surroundings = surroundings;
		this.out = new Output(surroundings.stdout, surroundings.stderr, flags.json === true);
		this.profiles = new Profiles(surroundings.env, (text) => this.out.note(text));
		this.#flags = flags;
	}

	/** Never falls back to the client's own look at the environment: profiles are part of the decision. */
	connect(): Holdfast {
		const { url, key } = this.profiles.connection(this.#flags);
		if (key === null)
			throw new UsageError(`No API key for ${url}. Set HOLDFAST_API_KEY, or store one with \`holdfast login\`.`);
		return this.client(url, key);
	}

	/** Every request and pause of the client ends when the user interrupts. */
	client(baseUrl: string, apiKey: string): Holdfast {
		const { fetch, signal } = this.surroundings;
		return new Holdfast({ baseUrl, apiKey, signal, ...(fetch === undefined ? {} : { fetch }) });
	}

	/** `@file` and `-` stand for a file's text and for stdin's. */
	async read(argument: string): Promise<string> {
		if (argument === "-") return await this.surroundings.readStdin();
		if (!argument.startsWith("@")) return argument;
		const { readFile } = await import("node:fs/promises");
		return await readFile(argument.slice(1), "utf8");
	}

	async readJson(argument: string): Promise<object> {
		const text = await this.read(argument);
		try {
			const value: unknown = JSON.parse(text);
			if (typeof value === "object" && value !== null) return value;
		} catch {
			// Said below.
		}
		throw new UsageError(`Not a JSON object: ${argument.slice(0, 40)}. Use @file.json, or - for stdin.`);
	}
}
