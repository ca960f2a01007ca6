/** Reads a body into one buffer, within its limit and what the isolate has of memory. */
import { AppError } from "../../../shared/core/errors.ts";
import type { Scanned } from "../../../shared/core/json/strict-json.ts";
import { FREE_BYTES, type MemoryBudget, type Need, type Share } from "../../../shared/core/memory-budget.ts";
import type { Runtime } from "../../../shared/core/runtime.ts";
import { needOfBody, needOfParsing } from "../../memory-needs.ts";

/** A caller that sends slowly must not keep memory from others: 16 MiB in this time are 2 Mbit/s. */
const READ_MS_MAX = 60_000;
/** Enough for most bodies, where the size is not declared. */
const FIRST_BYTES = 4_096;
/** Spread over so long, so that those that were refused together do not return together. */
const FULL_RETRY_SECONDS = { least: 2, most: 10 };

export class BodyReader {
	readonly #memory: MemoryBudget;
	readonly #runtime: Pick<Runtime, "timer" | "random">;
	readonly #bytesMax: number;
	#share: Share | null;
	#claimed = 0;

	constructor(memory: MemoryBudget, runtime: Pick<Runtime, "timer" | "random">, bytesMax: number) {
		this.#memory = memory;
		this.#runtime = runtime;
		this.#bytesMax = bytesMax;
		this.#share = memory.tryTake(needOfBody(0));
	}

	/** `prefix` and the body. Throws `payload_too_large`, or `rate_limited` if there is no memory for it at present. */
	async read(request: Request, prefix: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
		if (request.body === null) return new Uint8Array(prefix);
		const declared = Number(request.headers.get("content-length") ?? FIRST_BYTES);
		this.#claim(declared);
		let buffer = new Uint8Array(prefix.byteLength + declared);
		buffer.set(prefix);
		let length = prefix.byteLength;
		await this.#eachChunk(request.body, (chunk) => {
			const needed = length + chunk.byteLength;
			if (needed > buffer.byteLength) {
				const bytes = needed - prefix.byteLength;
				const wider = Math.max(bytes, Math.min(2 * buffer.byteLength, this.#bytesMax));
				this.#claim(wider);
				const whole = new Uint8Array(prefix.byteLength + wider);
				whole.set(buffer.subarray(0, length));
				buffer = whole;
			}
			buffer.set(chunk, length);
			length = needed;
		});
		return buffer.subarray(0, length);
	}

	release(): void {
		if (this.#share !== null) this.#memory.release(this.#share);
		this.#share = null;
	}

	/** Call this before the values of the body are made. Throws `rate_limited` if there is no memory for them at present. */
	claimFor(scanned: Scanned): void {
		this.#grow(needOfParsing(this.#claimed, scanned));
	}

	#claim(bytes: number): void {
		const max = this.#bytesMax;
		if (!(bytes <= max)) throw new AppError("payload_too_large", `The body must be at most ${max} bytes.`);
		this.#claimed = bytes;
		this.#grow(needOfBody(bytes));
	}

	#grow(need: Need): void {
		if (this.#share !== null && this.#memory.tryGrow(this.#share, need)) return;
		const max = this.#bytesMax;
		const { least, most } = FULL_RETRY_SECONDS;
		throw new AppError(
			"rate_limited",
			`Too many large bodies are being handled. Nothing was done with this one: repeat it in a few seconds. Bodies of up to ${FREE_BYTES} bytes are not limited so.`,
			null,
			{
				policy: { name: "large_bodies", quota: max, windowSeconds: null },
				retryAfterSeconds: least + Math.floor(this.#runtime.random() * (most - least + 1)),
			},
		);
	}

	async #eachChunk(body: ReadableStream<Uint8Array>, take: (chunk: Uint8Array) => void): Promise<void> {
		const reader = body.getReader();
		let isLate = false;
		const cancel = () => reader.cancel().catch(() => undefined);
		const stopTimer = this.#runtime.timer(READ_MS_MAX, () => {
			isLate = true;
			void cancel();
		});
		try {
			for (let read = await reader.read(); read.value !== undefined; read = await reader.read()) take(read.value);
		} catch (error) {
			void cancel();
			throw error;
		} finally {
			stopTimer();
		}
		if (isLate) throw new AppError("invalid_request", `The body did not arrive within ${READ_MS_MAX / 1_000} seconds.`);
	}
}
