/** The output of a run: one line for each item that has ended. It alone says which lines are done. */
import { existsSync } from "node:fs";
import type { ChatCompletion, Job } from "../../schemas.ts";
import { UsageError } from "../exit-codes.ts";
import { AppendFile, keepLines, readRepaired, type Write } from "./append-file.ts";

export interface Answer {
	line: number;
	custom_id: string | null;
	/** Null: the submission was refused. */
	job_id: string | null;
	status: string;
	text: string | null;
	output: ChatCompletion | null;
	usage: Job["usage"];
	error: { code: string; message: string } | null;
	model: string | null;
}

/** What the lines come to, those of earlier processes included. */
export interface Counts {
	ended: number;
	failed: number;
	tokens: number;
	/** By code, with the latest message of each. */
	errors: Map<string, { count: number; message: string }>;
}

interface LinePosition {
	line: number;
	start: number;
	end: number;
	isFailed: boolean;
}

export class Answers {
	readonly counts: Counts = { ended: 0, failed: 0, tokens: 0, errors: new Map() };
	readonly #path: string;
	readonly #write: Write;
	readonly #done = new Set<number>();
	#file: AppendFile | null = null;

	private constructor(path: string, write: Write) {
		this.#path = path;
		this.#write = write;
	}

	/** @param retry is called with the lines that failed, which are then removed from the output */
	static async open(path: string, write: Write, retry: ((lines: number[]) => void) | null): Promise<Answers> {
		const answers = new Answers(path, write);
		if (retry !== null) {
			const places = await placesIn(path);
			const failed = places.filter(({ isFailed }) => isFailed);
			retry(failed.map(({ line }) => line));
			if (failed.length > 0) {
				const kept = places.filter(({ isFailed }) => !isFailed);
				keepLines(path, kept, write);
			}
		}
		for await (const { fields } of readRepaired(path)) answers.#count(fields);
		answers.#file = new AppendFile(path, write);
		return answers;
	}

	has(line: number): boolean {
		return this.#done.has(line);
	}

	append(answer: Answer): void {
		this.#file?.append(answer);
		this.#count({ ...answer });
	}

	/** Puts the lines into the order of the input. */
	async sort(): Promise<void> {
		const places = await placesIn(this.#path);
		if (places.every(({ line }, at) => at === 0 || line > (places[at - 1]?.line ?? 0))) return;
		keepLines(
			this.#path,
			places.sort((one, other) => one.line - other.line),
			this.#write,
		);
	}

	close(): void {
		this.#file?.sync();
		this.#file?.close();
	}

	#count({ line, status, usage, error }: Record<string, unknown>): void {
		const { counts } = this;
		if (typeof line === "number") this.#done.add(line);
		counts.ended += 1;
		counts.tokens += Number(Object(usage).total_tokens ?? 0);
		if (status === "succeeded") return;
		counts.failed += 1;
		const { code = String(status), message = "" } = Object(error);
		counts.errors.set(code, { count: (counts.errors.get(code)?.count ?? 0) + 1, message: String(message) });
	}
}

/** Throws `UsageError` if the output is of no run. */
export function refuseUnknownOutput(path: string, journal: string): void {
	if (!existsSync(journal) && existsSync(path))
		throw new UsageError(`${path} exists, and no journal ${journal} is beside it. Give another --out, or remove it.`);
}

async function placesIn(path: string): Promise<LinePosition[]> {
	const places: LinePosition[] = [];
	for await (const { fields, line } of readRepaired(path)) {
		if (typeof fields.line !== "number")
			throw new UsageError(`Line ${line.number} of ${path} names no line of the input.`);
		places.push({ line: fields.line, start: line.start, end: line.end, isFailed: fields.status !== "succeeded" });
	}
	return places;
}
