/** The input of a run: read once to check all of it, and once more to send it, so that it is never in memory as a whole. */
import { createHash } from "node:crypto";
import { createReadStream, statSync } from "node:fs";
import { UsageError } from "../exit-codes.ts";
import type { InputLine } from "./line-runner.ts";
import { linesOf } from "./lines.ts";
import { BadLine, type Rules, type Submission, submissionOf } from "./submission.ts";

/** How many bad lines are named. */
const NAMED_MAX = 5;
const BLANK = /^\s*$/;

export class Input {
	readonly #open: () => AsyncIterable<Uint8Array>;
	readonly #rules: Rules;
	readonly #limit: number;

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
		for await (const { number, bytes } of linesOf(hashed(this.#open(), hash))) {
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
		return { lines: Math.min(lines, this.#limit), sha256: hash.digest("hex"), first };
	}

	/** @param isDone of a line, by its number */
	async *lines(isDone: (number: number) => boolean, stop: AbortSignal): AsyncGenerator<InputLine, void> {
		let taken = 0;
		for await (const { number, bytes } of linesOf(this.#open())) {
			if (BLANK.test(bytes.toString("latin1"))) continue;
			if (taken === this.#limit || stop.aborted) return;
			taken += 1;
			if (!isDone(number)) yield { number, ...submissionOf(bytes, this.#rules) };
		}
	}
}

/** What `run` is given: a file, or all of stdin. */
export async function sourceOf(
	path: string,
	readStdin: () => Promise<string>,
): Promise<() => AsyncIterable<Uint8Array>> {
	if (path !== "-") {
		const found = statSync(path, { throwIfNoEntry: false });
		if (found === undefined || found.isDirectory()) throw new UsageError(`There is no file ${path}.`);
		return () => createReadStream(path);
	}
	const bytes = Buffer.from(await readStdin());
	return () => once(bytes);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
	yield bytes;
}

async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: { update(bytes: Uint8Array): unknown }) {
	for await (const chunk of chunks) {
		hash.update(chunk);
		yield chunk;
	}
}
