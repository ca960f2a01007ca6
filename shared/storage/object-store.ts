/** R2 with a time limit. Every error is an infrastructure fault: `StorageUnavailable`. */
import { StorageUnavailable } from "../core/errors.ts";
import { type Timers, withTimeout } from "../core/timeout.ts";

/** A lease is renewed meanwhile. Shorter than what a put may take (16 MiB) would throw away what was nearly done. */
const RESPONSE_MS_MAX = 30_000;

const JSON_OBJECT = { httpMetadata: { contentType: "application/json" } };

export class ObjectStore {
	readonly #bucket: R2Bucket;
	readonly #timers: Timers;

	constructor(bucket: R2Bucket, timers: Timers) {
		this.#bucket = bucket;
		this.#timers = timers;
	}

	async put(key: string, json: string): Promise<void> {
		await this.#answered("put object", () => this.#bucket.put(key, json, JSON_OBJECT));
	}

	/** False: the key was taken, and what is there stays. */
	async putIfAbsent(key: string, json: Uint8Array, customMetadata: Record<string, string>): Promise<boolean> {
		const options = { ...JSON_OBJECT, customMetadata, onlyIf: { etagDoesNotMatch: "*" } };
		return (await this.#answered("put object if absent", () => this.#bucket.put(key, json, options))) !== null;
	}

	async head(key: string): Promise<R2Object | null> {
		return await this.#answered("head object", () => this.#bucket.head(key));
	}

	/** All of it, at once. Null: there is no such object. */
	async text(key: string): Promise<string | null> {
		return await this.#answered("read object", async () => (await this.#bucket.get(key))?.text() ?? null);
	}

	/** To be streamed, as slowly as its reader likes. Null: there is no such object. */
	async open(key: string, part: { offset: number; length: number } | null): Promise<ReadableStream | null> {
		const object = await this.#answered("open object", () =>
			this.#bucket.get(key, part === null ? {} : { range: part }),
		);
		return object?.body ?? null;
	}

	async delete(keys: string[]): Promise<void> {
		await this.#answered("delete objects", () => this.#bucket.delete(keys));
	}

	async list(prefix: string, cursor: string | null): Promise<R2Objects> {
		return await this.#answered("list objects", () =>
			this.#bucket.list({ prefix, ...(cursor === null ? {} : { cursor }) }),
		);
	}

	async #answered<T>(name: string, ask: () => Promise<T>): Promise<T> {
		try {
			return await withTimeout(this.#timers, RESPONSE_MS_MAX, ask());
		} catch (error) {
			throw new StorageUnavailable(name, error);
		}
	}
}
