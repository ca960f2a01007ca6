/** What a command works with. */

import type { Clock, Fetch, Options } from "../http.ts";
import { Holdfast } from "../index.ts";
import { EXIT, type ExitCode, UsageError } from "./exit-codes.ts";
import { Output } from "./output.ts";
import { type Connection, type Environment, Profiles } from "./profiles.ts";
import { type Stream, Terminal } from "./terminal.ts";

/** What surrounds the command line. Tests have their own. */
export interface Surroundings {
	stdout: Stream;
	stderr: Stream;
	readStdin(): Promise<Uint8Array>;
	/** What the user types up to the end of a line. Null: stdin is no terminal. */
	readLine: ((isHidden: boolean) => Promise<string>) | null;
	/** Opens an address in the user's browser. */
	openBrowser(url: string): void;
	env: Environment;
	fetch?: Fetch;
	clock?: Clock;
	/** Writes to an open file, and says how many bytes it wrote. */
	write?: (file: number, bytes: Uint8Array) => number;
	/** Aborts when the user interrupts. */
	signal: AbortSignal;
}

/** Flags that every command takes. */
export interface SharedFlags {
	url?: string;
	profile?: string;
	json?: boolean;
	quiet?: boolean;
	debug?: boolean;
}

export class CliSession {
	readonly surroundings: Omit<Surroundings, "stdout" | "stderr">;
	readonly stdout: Terminal;
	readonly stderr: Terminal;
	readonly out: Output;
	readonly profiles: Profiles;
	readonly flags: SharedFlags;
	exitCode: ExitCode = EXIT.done;

	constructor({ stdout, stderr, ...surroundings }: Surroundings, flags: SharedFlags) {
		this.surroundings = surroundings;
		this.stdout = new Terminal(stdout, surroundings.env, false);
		this.stderr = new Terminal(stderr, surroundings.env, true);
		this.out = new Output(this.stdout, this.stderr, flags);
		this.profiles = new Profiles(surroundings.env, (text) => this.out.note(text));
		this.flags = flags;
	}

	/** Never falls back to the client's own look at the environment: profiles are part of the decision. */
	connect(options: Options = {}): Holdfast {
		const { url, key } = this.profiles.connection(this.flags);
		if (key === null)
			throw new UsageError(`No API key for ${url}. Set HOLDFAST_API_KEY, or store one with \`holdfast login\`.`);
		return this.client({ url, key }, options);
	}

	/** Where the service is. */
	get url(): string {
		return this.profiles.connection(this.flags).url;
	}

	/** Every request and pause of the client ends when the user interrupts, unless `options` have another signal. */
	client({ url, key }: Partial<Connection>, options: Options = {}): Holdfast {
		const { signal, clock } = this.surroundings;
		return new Holdfast({
			signal,
			fetch: this.fetch,
			...(clock === undefined ? {} : { clock }),
			...options,
			...(url === undefined ? {} : { baseUrl: url }),
			...(key === undefined ? {} : { apiKey: key }),
		});
	}

	/** With `--debug`, says what is requested, without bodies and keys. */
	get fetch(): Fetch {
		const send: Fetch = this.surroundings.fetch ?? ((url, init) => fetch(url, init));
		if (this.flags.debug !== true) return send;
		return async (url, init) => {
			const startedAt = performance.now();
			const say = (outcome: string) =>
				this.stderr.write(
					`${init.method} ${url} ${outcome} after ${Math.round(performance.now() - startedAt)} ms\n`,
					"dim",
				);
			try {
				const response = await send(url, init);
				say(`${response.status} ${response.headers.get("x-request-id") ?? ""}`.trimEnd());
				return response;
			} catch (error) {
				say(error instanceof Error ? error.name : "failed");
				throw error;
			}
		};
	}

	/** Throws unless the user agrees, or has with `--yes`. */
	async confirm(what: string, isAgreed: boolean | undefined): Promise<void> {
		if (isAgreed === true) return;
		const { readLine } = this.surroundings;
		if (readLine === null) throw new UsageError(`${what} Pass --yes to confirm.`);
		this.stderr.write(`${what} Type yes to go on: `, "bold");
		if (!/^y(es)?$/i.test((await readLine(false)).trim())) throw new UsageError("Nothing was changed.");
	}

	async readStdinText(): Promise<string> {
		return new TextDecoder().decode(await this.surroundings.readStdin());
	}

	/** `@file` and `-` stand for a file's text and for stdin's. */
	async read(argument: string): Promise<string> {
		if (argument === "-") return await this.readStdinText();
		if (!argument.startsWith("@")) return argument;
		const { readFile } = await import("node:fs/promises");
		const path = argument.slice(1);
		try {
			return await readFile(path, "utf8");
		} catch (error) {
			throw new UsageError(`${path} cannot be read: ${Object(error).code ?? error}.`);
		}
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
