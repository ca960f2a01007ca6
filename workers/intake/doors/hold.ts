/**
 * Holds the response of a door open until its job is final. A door says with `chunks` what it sends: an async generator that
 * yields `silence(…)` first, and then its answer from `held.ended()`. Nothing is sent before the first chunk, so an error until
 * then is a response with its true status; a later one cuts the body, or is a frame of it where `frameOf` makes one.
 *
 * If the connection breaks, the job goes on, and a retry of the request joins it.
 */
import type { Context } from "hono";
import { AppError, envelopeOf } from "../../../shared/core/errors.ts";
import type { JobSummary, JobWithHistory } from "../../../shared/core/jobs/job.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { findJobWithHistory } from "../../../shared/db/jobs/find-job.ts";
import { cancel } from "../../../shared/jobs/cancel.ts";
import { logWarning } from "../../log.ts";
import { byteStream } from "../http/byte-stream.ts";
import { shownOf } from "../http/errors.ts";
import { JobWatch, requireWait } from "../http/wait.ts";
import type { IntakeEnv, Services } from "../services.ts";

/** The sweeper expires a job within this time after its deadline. A job that is open for longer cannot be read. */
const OVERDUE_MS = 5 * 60_000;

export interface Hold {
	/** Submits the job, or finds the one to wait for. */
	find(): Promise<JobSummary>;
	onDisconnect: "continue" | "cancel";
	chunks(held: HeldJob): AsyncGenerator<Uint8Array, void>;
	contentType: string;
	/** Of an error after the first chunk. Null: the body is cut. */
	frameOf: ((error: ReturnType<typeof envelopeOf>) => Uint8Array) | null;
}

export async function holdOpen(c: Context<IntakeEnv>, hold: Hold): Promise<Response> {
	const end = requireWait(c);
	// If the caller leaves, the platform cancels the request: no `finally` runs then, but for the listeners of its signal.
	c.req.raw.signal.addEventListener("abort", end);
	try {
		const held = new HeldJob(c, await hold.find(), hold.onDisconnect);
		const chunks = hold.chunks(held);
		const first = await chunks.next();
		const rest = first.done ? none() : following(c, first.value, chunks, hold, end);
		c.header("content-type", hold.contentType);
		// A proxy that compressed it would hold back what is sent to keep the connection.
		c.header("cache-control", "no-store, no-transform");
		c.header("x-accel-buffering", "no");
		return c.newResponse(
			byteStream(rest, () => held.leave()),
			200,
		);
	} catch (error) {
		end();
		if (!(error instanceof CallerGone)) throw error;
		c.header("content-type", hold.contentType);
		return c.newResponse(null, 200);
	}
}

async function* none(): AsyncGenerator<Uint8Array, void> {}

async function* following(
	c: Context<IntakeEnv>,
	first: Uint8Array,
	chunks: AsyncGenerator<Uint8Array, void>,
	{ frameOf }: Hold,
	end: () => void,
): AsyncGenerator<Uint8Array, void> {
	try {
		yield first;
		yield* chunks;
	} catch (error) {
		if (error instanceof CallerGone) return;
		const shown = envelopeOf(shownOf(error, c), c.env.requestId);
		if (frameOf === null) throw error;
		yield frameOf(shown);
	} finally {
		end();
	}
}

/** The connection broke: nothing that is sent is read. */
class CallerGone extends Error {}

/** A job whose caller waits. */
export class HeldJob {
	readonly watch: JobWatch;
	readonly #services: Services;
	readonly #gone = new AbortController();
	readonly #onDisconnect: Hold["onDisconnect"];
	readonly #startedAt: number;

	constructor(c: Context<IntakeEnv>, first: JobSummary, onDisconnect: Hold["onDisconnect"]) {
		this.#services = c.env.services;
		this.#onDisconnect = onDisconnect;
		this.#startedAt = c.env.services.runtime.now();
		this.watch = new JobWatch(this.#services, first, this.#gone.signal);
		const { signal } = c.req.raw;
		signal.addEventListener("abort", this.leave);
		if (signal.aborted) this.leave();
	}

	/** The caller has gone. */
	readonly leave = (): void => {
		if (this.#gone.signal.aborted) return;
		this.#gone.abort();
		if (this.#onDisconnect === "cancel" && !this.watch.isFinal) this.#services.background(this.#cancel());
	};

	/** The final job. Throws if the caller has gone before, or if the job was erased. Call it when `silence` is over. */
	async ended(): Promise<JobWithHistory> {
		if (this.watch.isOver && !this.watch.isFinal) throw new CallerGone();
		const job = this.watch.isGone ? null : await findJobWithHistory(this.#services.db, this.watch.job);
		if (job === null) throw new AppError("job_erased", "The job was erased before its answer was sent.");
		return job;
	}

	/** Throws if the job should be final for long. */
	checkDeadline(): void {
		const { deadlineMs } = this.watch.job;
		if (this.#services.runtime.now() - this.#startedAt <= deadlineMs + OVERDUE_MS) return;
		throw new AppError("storage_unavailable", "The state of the job could not be read. Try again.");
	}

	async #cancel(): Promise<void> {
		const { jobId } = this.watch.job;
		try {
			await cancel(this.#services, this.watch.job);
		} catch (error) {
			logWarning("job.cancel_failed", { jobId }, error);
		}
	}
}

/** A server-sent event without a name. */
export const dataFrame = (value: object) => `data: ${JSON.stringify(value)}\n\n`;

/** Characters. One write for each frame would take longer than the frames. */
const WRITTEN_AT_ONCE = 16 * 1024;

/** Several frames in each write, and the end of the stream. */
export function* written<Part>(parts: Iterable<Part>, frameOf: (part: Part) => string): Generator<Uint8Array, void> {
	let text = "";
	for (const part of parts) {
		text += frameOf(part);
		if (text.length < WRITTEN_AT_ONCE) continue;
		yield utf8(text);
		text = "";
	}
	yield utf8(`${text}data: [DONE]\n\n`);
}

export const AS_JSON: Pick<Hold, "contentType" | "frameOf"> = { contentType: "application/json", frameOf: null };
export const AS_EVENTS: Pick<Hold, "contentType" | "frameOf"> = {
	contentType: "text/event-stream",
	frameOf: (error) => utf8(dataFrame(error)),
};

interface Silence {
	/** How long nothing is sent at first, and then between two signs. */
	firstMs: number;
	everyMs: number;
	/** What keeps the connection, and means nothing. */
	sign: string;
}

/** Until the job is final or `isDone`, or the caller has gone. */
export async function* silence(
	held: HeldJob,
	{ firstMs, everyMs, sign }: Silence,
	isDone?: (job: JobSummary) => boolean,
): AsyncGenerator<Uint8Array, void> {
	const { watch } = held;
	for (let waitMs = firstMs; ; waitMs = everyMs) {
		await watch.wait(waitMs, isDone);
		if (watch.isFinal || watch.isGone || watch.isOver || isDone?.(watch.job)) return;
		held.checkDeadline();
		yield utf8(sign);
	}
}

/** Before white space, which JSON may begin with. Load balancers drop connections that are silent for a minute. */
export const BEFORE_JSON: Silence = { firstMs: 45_000, everyMs: 15_000, sign: "\n" };
/** A comment, which clients ignore. */
export const BEFORE_EVENTS: Silence = { firstMs: 10_000, everyMs: 10_000, sign: ": keep-alive\n\n" };
