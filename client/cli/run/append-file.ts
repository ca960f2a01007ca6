/** Files that grow by whole lines of JSON, and what is left of them after a crash. */
import {
	closeSync,
	createReadStream,
	existsSync,
	fchmodSync,
	fsyncSync,
	openSync,
	readSync,
	realpathSync,
	renameSync,
	statSync,
	truncateSync,
} from "node:fs";
import { UsageError } from "../exit-codes.ts";
import { linesOf, type RawLine } from "./lines.ts";

/** Writes to an open file, and says how many bytes it wrote. */
export type Write = (file: number, bytes: Uint8Array) => number;

export type Fields = Record<string, unknown>;

export class AppendFile {
	readonly #file: number;
	readonly #write: Write;
	#failure: { error: unknown } | null = null;

	constructor(path: string, write: Write) {
		this.#file = openSync(path, "a", 0o600);
		this.#write = write;
	}

	/** Once one has failed, all further ones do: its line may be torn, and only a last line is repaired. */
	append(value: object): void {
		if (this.#failure !== null) throw this.#failure.error;
		try {
			writeAll(this.#write, this.#file, Buffer.from(`${JSON.stringify(value)}\n`));
		} catch (error) {
			this.#failure = { error };
			throw error;
		}
	}

	/** Waits for the disk. */
	sync(): void {
		fsyncSync(this.#file);
	}

	close(): void {
		closeSync(this.#file);
	}
}

/** The lines of a file as objects. Cuts a last line off that is torn, because its writer was killed. */
export async function* readRepaired(path: string): AsyncGenerator<{ fields: Fields; line: RawLine }, void> {
	if (!existsSync(path)) return;
	for await (const line of linesOf(createReadStream(path))) {
		if (line.isWhole) yield { fields: fieldsOf(line, path), line };
		else truncateSync(path, line.start);
	}
}

function fieldsOf({ bytes, number }: RawLine, path: string): Fields {
	try {
		const value: unknown = JSON.parse(bytes.toString());
		if (typeof value === "object" && value !== null) return { ...value };
	} catch {
		// Said below.
	}
	throw new UsageError(`Line ${number} of ${path} is not what \`holdfast run\` writes. Give another --out.`);
}

/** Replaces a file by some of its lines, in the given order, all at once. A symlink stays one. */
export function keepLines(path: string, lines: { start: number; end: number }[], write: Write): void {
	const target = realpathSync(path);
	const temporary = `${target}.run.tmp`;
	const [from, to] = [openSync(target, "r"), openSync(temporary, "w", 0o600)];
	fchmodSync(to, statSync(target).mode);
	for (const { start, end } of lines) {
		const bytes = Buffer.alloc(end - start);
		readSync(from, bytes, 0, bytes.byteLength, start);
		writeAll(write, to, bytes);
	}
	fsyncSync(to);
	closeSync(from);
	closeSync(to);
	renameSync(temporary, target);
}

function writeAll(write: Write, file: number, bytes: Uint8Array): void {
	for (let at = 0; at < bytes.byteLength; ) at += write(file, bytes.subarray(at));
}
