/** The input of a run: read once to check all of it, and once more to send it, so that it is never in memory as a whole. */
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { UsageError } from "../exit-codes.ts";
import type { InputLine } from "./line-runner.ts";
import { linesOf } from "./lines.ts";
import { BadLine, type Rules, type Submission, submissionOf } from "./submission.ts";

/** How many bad lines are named. */
const NAMED_MAX = 5;
const BLANK = /^\s*$/;
const CHANGED = "The input changed while it was read. Undo the change and resume, or give another --out.";

export class Input {
	readonly #open: () => AsyncIterable<Uint8Array>;
	readonly #rules: Rules;
	readonly #limit: number;
	/** What `check` has read. */
	#checked = { bytes: 0, sha256: "" };

	/** @param limit how many lines are taken, from the first */
	constructor(open: () => AsyncIterable<Uint8Array>, rules: Rules, limit: number) {
		this.#open = open;
		this.#rules = rules;
		this.#limit = limit;
	}

	/** How many lines there are, and the SHA-256 of all bytes. Throws `UsageError` if a line is bad. */
	async check(): Promise<{ lines: number; sha256: string; first: Submission | null }> {
		const hash = createHash("sha256");
		const bad: string[] = [];
		let [lines, badLines] = [0, 0];
		let first: Submission | null = null;
		let read = 0;
		const take = (chunk: Uint8Array) => {
			hash.update(chunk);
			read += chunk.byteLength;
			return chunk;
		};
		for await (const { number, bytes } of linesOf(each(this.#open(), take))) {
			if (BLANK.test(bytes.toString("latin1"))) continue;
			lines += 1;
			try {
				const submission = submissionOf(bytes, this.#rules);
				first ??= submission;
			} catch (error) {
				if (!(error instanceof BadLine)) throw error;
				badLines += 1;
				if (badLines <= NAMED_MAX) bad.push(`Line ${number}: ${error.message}.`);
			}
		}
		if (badLines > NAMED_MAX) bad.push(`And ${badLines - NAMED_MAX} more.`);
		if (badLines > 0) throw new UsageError(`${bad.join("\n")}\nNothing was sent.`);
		if (lines === 0) throw new UsageError("The input has no lines.");
		this.#checked = { bytes: read, sha256: hash.digest("hex") };
		return { lines: Math.min(lines, this.#limit), sha256: this.#checked.sha256, first };
	}

	/**
	 * The lines that `check` has seen. Throws `UsageError` if the input has changed since.
	 * @param isDone of a line, by its number
	 */
	async *lines(isDone: (number: number) => boolean, stop: AbortSignal): AsyncGenerator<InputLine, void> {
		let taken = 0;
		for await (const { number, bytes } of linesOf(this.#checkedBytes())) {
			if (stop.aborted) return;
			if (BLANK.test(bytes.toString("latin1")) || taken === this.#limit) continue;
			taken += 1;
			if (!isDone(number)) yield { number, ...this.#submission(bytes) };
		}
	}

	async *#checkedBytes(): AsyncGenerator<Uint8Array, void> {
		const hash = createHash("sha256");
		let left = this.#checked.bytes;
		const take = (chunk: Uint8Array) => {
			hash.update(chunk);
			const known = chunk.subarray(0, left);
			left -= known.byteLength;
			return known;
		};
		yield* each(this.#open(), take);
		if (hash.digest("hex") !== this.#checked.sha256) throw new UsageError(CHANGED);
	}

	#submission(bytes: Uint8Array): Submission {
		try {
			return submissionOf(bytes, this.#rules);
		} catch (error) {
			throw error instanceof BadLine ? new UsageError(CHANGED) : error;
		}
	}
}

/** What `run` is given. A pipe can be read once, so it is kept in memory, as stdin is. */
export async function sourceOf(
	path: string,
	readStdin: () => Promise<Uint8Array>,
): Promise<() => AsyncIterable<Uint8Array>> {
	if (path !== "-") {
		const found = statSync(path, { throwIfNoEntry: false });
		if (found === undefined || found.isDirectory()) throw new UsageError(`There is no file ${path}.`);
		if (found.isFile()) return () => createReadStream(path);
	}
	const bytes = path === "-" ? await readStdin() : await buffer(createReadStream(path));
	return () => once(bytes);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
	yield bytes;
}

async function* each(chunks: AsyncIterable<Uint8Array>, take: (chunk: Uint8Array) => Uint8Array) {
	for await (const chunk of chunks) yield take(chunk);
}
