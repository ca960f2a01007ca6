/**
 * Reads a body into one buffer, within its limit and what the isolate has of memory. It is scanned and hashed slice by slice while it
 * arrives, so that a large one does not keep the isolate's thread from other requests.
 */
import { AppError } from "../../../shared/core/errors.ts";
import type { JsonScanner } from "../../../shared/core/json/json-scanner.ts";
import type { Scanned } from "../../../shared/core/json/strict-json.ts";
import { FREE_BYTES, type MemoryBudget, type Need, type Share } from "../../../shared/core/memory-budget.ts";
import type { Digest, Runtime } from "../../../shared/core/runtime.ts";
import { needOfBody, needOfParsing } from "../../memory-needs.ts";

/** A caller that sends slowly must not keep memory from others: 16 MiB in this time are 2 Mbit/s. */
const READ_MS_MAX = 60_000;
/** Of the worst body, scanning so much takes some milliseconds. */
const SLICE_BYTES = 128 * 1024;
/** Keys of open objects that need no memory of their own, and how many more are then claimed at once. */
const KEYS_AT_ONCE = 10_000;
/** Enough for most bodies, where the size is not declared. */
const FIRST_BYTES = 4_096;
/** Spread over so long, so that those that were refused together do not return together. */
const FULL_RETRY_SECONDS = { least: 2, most: 10 };

export class BodyReader {
	readonly #memory: MemoryBudget;
	readonly #runtime: Pick<Runtime, "timer" | "sleep" | "random">;
	readonly #bytesMax: number;
	#share: Share | null;
	#claimed = 0;
	#keysClaimed = KEYS_AT_ONCE;

	constructor(memory: MemoryBudget, runtime: Pick<Runtime, "timer" | "sleep" | "random">, bytesMax: number) {
		this.#memory = memory;
		this.#runtime = runtime;
		this.#bytesMax = bytesMax;
		this.#share = memory.tryTake(needOfBody(0, 0));
	}

	/** Throws `payload_too_large`, or `rate_limited` if there is no memory for the body at present. */
	async read(request: Request, scanner: JsonScanner, digest: Digest | null): Promise<Uint8Array<ArrayBuffer>> {
		if (request.body === null) return new Uint8Array();
		const declared = Number(request.headers.get("content-length") ?? Math.min(FIRST_BYTES, this.#bytesMax));
		this.#claim(declared);
		// One byte more than is expected: what does not fill it is at its end.
		let buffer = new Uint8Array(declared + 1);
		let length = 0;
		const reader = request.body.getReader({ mode: "byob" });
		const [cancel, stop] = this.#limitTime(reader);
		try {
			for (;;) {
				if (length === buffer.byteLength) buffer = this.#widened(buffer);
				const room = buffer.subarray(length, length + SLICE_BYTES);
				const { value, done } = await reader.read(room);
				if (value === undefined) break;
				// The bytes that `buffer` had are in the hands of this one now.
				buffer = new Uint8Array(value.buffer);
				const arrived = buffer.subarray(0, length + value.byteLength);
				await digest?.add(arrived.subarray(length));
				scanner.scan(arrived);
				length = arrived.byteLength;
				if (done) break;
				this.#claimKeys(scanner.openKeys);
				// More has arrived already. Other requests are next.
				if (value.byteLength === SLICE_BYTES) await this.#runtime.sleep(0);
			}
		} catch (error) {
			cancel();
			throw error;
		} finally {
			stop();
		}
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
		this.#grow(needOfBody(bytes, 0));
	}

	#widened(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
		const bytes = Math.max(buffer.byteLength, Math.min(2 * buffer.byteLength, this.#bytesMax));
		this.#claim(bytes);
		const wider = new Uint8Array(bytes + 1);
		wider.set(buffer);
		return wider;
	}

	/** They are kept while other bodies are scanned. */
	#claimKeys(openKeys: number): void {
		if (openKeys <= this.#keysClaimed) return;
		this.#keysClaimed = openKeys + KEYS_AT_ONCE;
		this.#grow(needOfBody(this.#claimed, this.#keysClaimed));
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

	/** Returns what cancels the reading, and what ends the limit. The latter throws if the time was over before. */
	#limitTime(reader: ReadableStreamBYOBReader): [() => void, () => void] {
		let isLate = false;
		const cancel = () => void reader.cancel().catch(() => undefined);
		const stopTimer = this.#runtime.timer(READ_MS_MAX, () => {
			isLate = true;
			cancel();
		});
		const stop = () => {
			stopTimer();
			if (!isLate) return;
			throw new AppError("invalid_request", `The body did not arrive within ${READ_MS_MAX / 1_000} seconds.`);
		};
		return [cancel, stop];
	}
}
