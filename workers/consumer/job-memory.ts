/** What one job has of its isolate's memory: for its input from the start, and for its answer as that arrives. */
import type { MemoryBudget, Need, Share } from "../../shared/core/memory-budget.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import type { ProviderName } from "../../shared/core/upstreams/model-routes.ts";
import { needOfInput, needOfTranslation, withAnswer } from "../memory-needs.ts";

/** Calls end in seconds, as a rule, and make room. After a longer wait the job may find another isolate with more. */
const INPUT_WAIT_MS = 30_000;
/** A provider that is not read for longer may give the connection up. */
const ANSWER_WAIT_MS = 30_000;

type Timers = Pick<Runtime, "timer">;

export class JobMemory {
	readonly #budget: MemoryBudget;
	readonly #timers: Timers;
	readonly #share: Share;
	#input: Need;
	#chars = 0;

	private constructor(budget: MemoryBudget, timers: Timers, share: Share, input: Need) {
		this.#budget = budget;
		this.#timers = timers;
		this.#share = share;
		this.#input = input;
	}

	/** Null: there was no room for the input, for at most `waitMs`, or the lease is lost. */
	static async take(
		{ memory, runtime }: { memory: MemoryBudget; runtime: Timers },
		{ provider, bytes, waitMs }: { provider: ProviderName; bytes: number; waitMs: number },
		lost: AbortSignal,
	): Promise<JobMemory | null> {
		const input = needOfInput(provider, bytes);
		const endMs = Math.min(waitMs, INPUT_WAIT_MS);
		const share = memory.tryTake(input) ?? (await until(runtime, endMs, lost, (end) => memory.take(input, end)));
		return share === null ? null : new JobMemory(memory, runtime, share, input);
	}

	/** Before an input of `bytes` is translated. */
	async roomForTranslation(bytes: number): Promise<void> {
		this.#input = needOfTranslation(bytes);
		await this.#grow(this.#input);
	}

	/** Grows in steps. A promise: there is no room at present for an answer of `chars`, and it should not be read on. */
	roomFor(chars: number): Promise<void> | null {
		if (chars <= this.#chars) return null;
		this.#chars = 2 * chars;
		return this.#grow(withAnswer(this.#input, this.#chars));
	}

	#grow(need: Need): Promise<void> | null {
		if (this.#budget.tryGrow(this.#share, need)) return null;
		return until(this.#timers, ANSWER_WAIT_MS, null, (goOn) => this.#budget.grow(this.#share, need, goOn));
	}

	release(): void {
		this.#budget.release(this.#share);
	}
}

/** Runs `wait` with a signal that aborts after `ms`, or with `other`. */
async function until<T>(
	timers: Timers,
	ms: number,
	other: AbortSignal | null,
	wait: (end: AbortSignal) => Promise<T>,
): Promise<T> {
	const end = new AbortController();
	const abort = () => end.abort();
	const stopTimer = timers.timer(ms, abort);
	other?.addEventListener("abort", abort);
	if (other?.aborted) abort();
	try {
		return await wait(end.signal);
	} finally {
		stopTimer();
		other?.removeEventListener("abort", abort);
	}
}
