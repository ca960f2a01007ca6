/** Runs the lines of an input as jobs, and writes what came of each. It may end at any point and goes on from there. */
import { randomUUID } from "node:crypto";
import { statSync, writeSync } from "node:fs";
import { RealClock } from "../../clock.ts";
import { apiError } from "../../errors.ts";
import type { Clock } from "../../http.ts";
import type { SubmitJob } from "../../schemas.ts";
import { inWindow } from "../../window.ts";
import { EXIT, type ExitCode, UsageError } from "../exit-codes.ts";
import type { CliSession } from "../session.ts";
import { Answers, type Counts, refuseUnknownOutput } from "./answers.ts";
import type { Write } from "./append-file.ts";
import { Input, sourceOf } from "./input.ts";
import { type Header, Journal } from "./journal.ts";
import { type InputLine, LineRunner, RETRIES } from "./line-runner.ts";
import { lockRun } from "./lock.ts";
import { Progress } from "./progress.ts";

export interface RunFlags {
	out: string;
	model?: SubmitJob["model"];
	concurrency: number;
	ordered?: boolean;
	retryFailed?: boolean;
	limit?: number;
	prompt?: string;
	system?: string;
	maxTotalTokens?: number;
	timeout?: number;
	cancelOnInterrupt?: boolean;
	allowFailures?: boolean;
	dryRun?: boolean;
}

/** The most that a timer takes. */
const TIMER_MS_MAX = 2 ** 31 - 1;

const STOPPING =
	"Stopping: the answers of running jobs are still written. Ctrl-C again leaves at once; the jobs go on.";
const CANCELLING = "Stopping: running jobs are being cancelled. Ctrl-C again leaves at once.";

class TimeIsOver extends Error {}

/** @param again the command line that resumes the run */
export async function startRun(session: CliSession, path: string, flags: RunFlags, again: string): Promise<void> {
	refuseOutput(flags.out);
	const { model, prompt, limit = Number.POSITIVE_INFINITY } = flags;
	const system = flags.system === undefined ? undefined : await session.read(flags.system);
	const input = new Input(await sourceOf(path, session.surroundings.readStdin), { model, prompt, system }, limit);
	const { lines, sha256, first } = await input.check();
	if (flags.dryRun === true) {
		session.out.object({ lines, first: first?.job });
		session.out.note("Nothing was sent.");
		return;
	}
	const release = lockRun(`${flags.out}.run.lock`);
	try {
		const settings = {
			input: sha256,
			model: model === undefined ? null : [model].flat().join(","),
			prompt: prompt ?? null,
			system: system ?? null,
		};
		await new Run(session, flags, again).all(input, lines, settings);
	} finally {
		release();
	}
}

/** Refuses an output whose lines cannot be read again. */
function refuseOutput(path: string): void {
	if (path === "-" || statSync(path, { throwIfNoEntry: false })?.isFile() === false)
		throw new UsageError(`${path} is no file that a run can resume from. Give the path of a regular file as --out.`);
}

type Settings = Pick<Header, "input" | "model" | "prompt" | "system">;

/** Throws `Forbidden` before anything is sent that could not be read. */
function refuseScopes(scopes: string[]): void {
	const missing = ["jobs:write", "jobs:read"].filter((scope) => !scopes.includes(scope));
	if (missing.length === 0) return;
	const message = `The API key lacks ${missing.join(" and ")}. Use a key with jobs:write and jobs:read. Nothing was sent.`;
	const none = { param: null, requestId: null, retryAfterMs: null, attempts: 1 };
	throw apiError({ ...none, status: 403, code: "forbidden", message });
}

class Run {
	readonly #session: CliSession;
	readonly #flags: RunFlags;
	readonly #again: string;
	readonly #clock: Clock;
	readonly #write: Write;
	readonly #over = new AbortController();
	/** The tokens are spent. */
	readonly #spent = new AbortController();

	constructor(session: CliSession, flags: RunFlags, again: string) {
		this.#session = session;
		this.#again = again;
		this.#flags = flags;
		this.#clock = session.surroundings.clock ?? new RealClock();
		this.#write = session.surroundings.write ?? writeSync;
	}

	async all(input: Input, lines: number, settings: Settings): Promise<void> {
		const { out, retryFailed, ordered } = this.#flags;
		refuseUnknownOutput(out, `${out}.run`);
		const { tenant, key } = await this.#session.connect().session();
		refuseScopes(key.scopes);
		const created_at = new Date(this.#clock.now()).toISOString();
		const begun = { run: randomUUID(), version: 1, created_at, service: this.#session.url, tenant: tenant.id } as const;
		const journal = await Journal.open(`${out}.run`, { ...begun, ...settings }, this.#write);
		const retry = (failed: number[]) => {
			for (const line of failed) journal.noteRetry(line);
			journal.sync();
		};
		const answers = await Answers.open(out, this.#write, retryFailed === true ? retry : null);
		try {
			await this.#answerAll(input, lines, { journal, answers });
		} finally {
			journal.close();
			answers.close();
			if (ordered === true) await answers.sort();
			this.#noteEnd(answers.counts, lines);
		}
	}

	async #answerAll(
		input: Input,
		lines: number,
		{ journal, answers }: { journal: Journal; answers: Answers },
	): Promise<void> {
		const { concurrency, maxTotalTokens = Number.POSITIVE_INFINITY, cancelOnInterrupt, timeout } = this.#flags;
		const { signal: interrupted } = this.#session.surroundings;
		const leave = this.#over.signal;
		// An interruption ends no request: what is open is still waited for.
		const holdfast = this.#session.connect({ signal: leave, maxRetries: RETRIES });
		const submitter = this.#session.connect({ signal: leave, maxRetries: 0 });
		const stop = AbortSignal.any([interrupted, this.#spent.signal, leave]);
		const cancel = cancelOnInterrupt === true ? interrupted : new AbortController().signal;
		const runner = new LineRunner({ holdfast, submitter, journal, clock: this.#clock, stop, leave, cancel });
		const { counts } = answers;
		const figures = () => ({ total: Math.max(lines, counts.ended), running: runner.running, counts });
		const progress =
			this.#session.flags.quiet === true ? null : new Progress(this.#session.stderr, this.#clock, figures);
		const say = () => progress?.note(cancel.aborted ? CANCELLING : STOPPING);
		interrupted.addEventListener("abort", say);
		const ended = new AbortController();
		if (counts.tokens >= maxTotalTokens) this.#spent.abort();
		if (timeout !== undefined) this.#endAfter(timeout, ended.signal);
		try {
			const source = input.lines((line) => answers.has(line), stop);
			const work = (line: InputLine) => runner.run(line);
			for await (const answer of inWindow(source, { size: concurrency, work, signal: leave })) {
				if (answer === null) continue;
				answers.append(answer);
				journal.forget(answer.line);
				if (counts.tokens >= maxTotalTokens) this.#spent.abort();
			}
		} catch (error) {
			if (!(error instanceof TimeIsOver)) throw error;
		} finally {
			// An error of one line ends the requests of all others.
			this.#over.abort();
			ended.abort();
			interrupted.removeEventListener("abort", say);
			progress?.end();
			for (const { line, error } of runner.leftOpen)
				this.#session.out.note(`Line ${line} was not taken: ${error.message} (${error.code}, ${error.requestId}).`);
		}
	}

	#endAfter(timeoutMs: number, ended: AbortSignal): void {
		this.#clock.sleep(Math.min(timeoutMs, TIMER_MS_MAX), ended).then(
			() => this.#over.abort(new TimeIsOver()),
			() => undefined,
		);
	}

	/** Of a run that leaves lines over. An interruption has an exit code of its own. */
	#exitCodeOfRest(): ExitCode {
		if (this.#over.signal.reason instanceof TimeIsOver) return EXIT.timeout;
		return this.#spent.signal.aborted ? EXIT.limit : EXIT.failed;
	}

	#noteEnd({ ended, failed }: Counts, lines: number): void {
		const { out, surroundings } = this.#session;
		const isOver = ended >= lines;
		if (!isOver) this.#session.exitCode = this.#exitCodeOfRest();
		else if (failed > 0 && this.#flags.allowFailures !== true) this.#session.exitCode = EXIT.jobNotSucceeded;
		const retry = failed > 0 && this.#flags.retryFailed !== true ? " --retry-failed" : "";
		if (!isOver)
			out.note(
				`Resume with: ${this.#again}${surroundings.signal.aborted && this.#flags.cancelOnInterrupt ? retry : ""}`,
			);
		else if (failed > 0) out.note(`Run what failed again with: ${this.#again}${retry}`);
	}
}
