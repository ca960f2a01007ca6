/**
 * The journal of a run: what was sent for which line. It is written before each submission and after it, so that a run which
 * was killed at any point goes on without a second job for a line.
 */
import { UsageError } from "../exit-codes.ts";
import { AppendFile, type Fields, readRepaired, type Write } from "./append-file.ts";

/** What a run was started with. All of it but `run`, `version` and `created_at` must be the same when it goes on. */
export interface Header {
	run: string;
	version: 1;
	created_at: string;
	service: string;
	tenant: string;
	/** SHA-256 of the input. */
	input: string;
	model: string | null;
	prompt: string | null;
	system: string | null;
}

/** What was done for a line. */
export interface Sent {
	/** How often the line was given up on, by --retry-failed. Each time has a key of its own. */
	retry: number;
	/** When its key was first used. Null: never. */
	sentAt: number | null;
	jobId: string | null;
}

const NAMES = {
	input: "the input",
	service: "the service",
	tenant: "the tenant of the API key",
	model: "--model",
	prompt: "--prompt",
	system: "--system",
} as const;

const NOTHING: Sent = { retry: 0, sentAt: null, jobId: null };

export class Journal {
	readonly header: Header;
	readonly #file: AppendFile;
	readonly #sent: Map<number, Sent>;

	private constructor(file: AppendFile, header: Header, sent: Map<number, Sent>) {
		this.#file = file;
		this.header = header;
		this.#sent = sent;
	}

	/** Goes on with a journal, or begins it. Throws `UsageError` if it is of a run that was started otherwise. */
	static async open(path: string, header: Header, write: Write): Promise<Journal> {
		let begun: Header | null = null;
		const sent = new Map<number, Sent>();
		for await (const { fields } of readRepaired(path)) {
			if (begun === null) begun = sameRun(fields, header, path);
			else note(sent, fields);
		}
		const file = new AppendFile(path, write);
		if (begun === null) {
			file.append(header);
			file.sync();
		}
		return new Journal(file, begun ?? header, sent);
	}

	of(line: number): Sent {
		return this.#sent.get(line) ?? NOTHING;
	}

	/** Distinguishes this submission of the line from others, in its key and its metadata. */
	tag(line: number): string {
		const { retry } = this.of(line);
		return retry === 0 ? `${line}` : `${line}.${retry}`;
	}

	key(line: number): string {
		return `run:${this.header.run}:${this.tag(line)}`;
	}

	noteKey(line: number, now: number): void {
		this.#note({ line, key: this.key(line), at: now });
	}

	noteJob(line: number, jobId: string): void {
		this.#note({ line, job_id: jobId });
	}

	/** The line gets a new job. */
	noteRetry(line: number): void {
		this.#note({ line, retry: this.of(line).retry + 1 });
	}

	/** Nothing of the line is needed any more. */
	forget(line: number): void {
		this.#sent.delete(line);
	}

	sync(): void {
		this.#file.sync();
	}

	close(): void {
		this.#file.close();
	}

	#note(entry: Fields): void {
		this.#file.append(entry);
		note(this.#sent, entry);
	}
}

function note(sent: Map<number, Sent>, { line, at, job_id, retry }: Fields): void {
	if (typeof line !== "number") return;
	const before = sent.get(line) ?? NOTHING;
	if (typeof retry === "number") sent.set(line, { ...NOTHING, retry });
	else if (typeof job_id === "string") sent.set(line, { ...before, jobId: job_id });
	else if (typeof at === "number") sent.set(line, { ...before, sentAt: before.sentAt ?? at });
}

function sameRun(found: Fields, header: Header, path: string): Header {
	const { run, version, created_at } = found;
	if (typeof run !== "string" || typeof created_at !== "string" || version !== header.version)
		throw new UsageError(`${path} is not a journal that this version of \`holdfast run\` reads. Give another --out.`);
	const changes = (Object.keys(NAMES) as (keyof typeof NAMES)[]).filter((name) => found[name] !== header[name]);
	if (changes.length > 0) {
		const list = changes.map((name) => `${NAMES[name]}${difference(name, found[name], header[name])}`).join(", ");
		throw new UsageError(
			`The run of ${path} was started otherwise. Changed: ${list}. Undo that, or give another --out.`,
		);
	}
	return { ...header, run, created_at };
}

function difference(name: keyof typeof NAMES, before: unknown, now: unknown): string {
	if (name === "input" || name === "system") return "";
	const shown = (value: unknown) => (value === null ? "none" : String(value).slice(0, 80));
	return ` (${shown(before)}, now ${shown(now)})`;
}
