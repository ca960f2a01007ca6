/** R2 with a time limit. Every error is an infrastructure fault: `StorageUnavailable`. */
import { StorageUnavailable } from "../core/errors.ts";
import { type Timers, withTimeout } from "../core/timeout.ts";

/** Long enough for a put of 16 MiB: a shorter limit would abandon one that is nearly done. Leases are renewed meanwhile. */
const RESPONSE_MS_MAX = 30_000;

const JSON_OBJECT = { httpMetadata: { contentType: "application/json" } };

export class ObjectStore {
	readonly #bucket: R2Bucket;
	readonly #timers: Timers;
	/** Calls so far. Each invocation has its own `ObjectStore`. */
	calls = 0;

	constructor(bucket: R2Bucket, timers: Timers) {
		this.#bucket = bucket;
		this.#timers = timers;
	}

	async put(key: string, json: string | Uint8Array): Promise<void> {
		await this.#withinLimit("put object", () => this.#bucket.put(key, json, JSON_OBJECT));
	}

	/** False: the key exists, and its object stays. */
	async putIfAbsent(key: string, json: Uint8Array, customMetadata: Record<string, string>): Promise<boolean> {
		const options = { ...JSON_OBJECT, customMetadata, onlyIf: { etagDoesNotMatch: "*" } };
		return (await this.#withinLimit("put object if absent", () => this.#bucket.put(key, json, options))) !== null;
	}

	async head(key: string): Promise<R2Object | null> {
		return await this.#withinLimit("head object", () => this.#bucket.head(key));
	}

	/** The whole object as text. Null: there is no such object. */
	async text(key: string): Promise<string | null> {
		return await this.#withinLimit("read object", async () => (await this.#bucket.get(key))?.text() ?? null);
	}

	/** The whole object. Null: there is no such object. */
	async bytes(key: string): Promise<Uint8Array | null> {
		return await this.#withinLimit("read object", async () => {
			const object = await this.#bucket.get(key);
			return object === null ? null : new Uint8Array(await object.arrayBuffer());
		});
	}

	/** The object as a stream. Its reader has no time limit. Null: there is no such object. */
	async open(key: string, part: { offset: number; length: number } | null): Promise<ReadableStream | null> {
		const object = await this.#withinLimit("open object", () =>
			this.#bucket.get(key, part === null ? {} : { range: part }),
		);
		return object?.body ?? null;
	}

	async delete(keys: string[]): Promise<void> {
		await this.#withinLimit("delete objects", () => this.#bucket.delete(keys));
	}

	async list(prefix: string, cursor: string | null): Promise<R2Objects> {
		return await this.#withinLimit("list objects", () =>
			this.#bucket.list({ prefix, ...(cursor === null ? {} : { cursor }) }),
		);
	}

	async #withinLimit<T>(name: string, call: () => Promise<T>): Promise<T> {
		this.calls += 1;
		try {
			return await withTimeout(this.#timers, RESPONSE_MS_MAX, call());
		} catch (error) {
			throw new StorageUnavailable(name, error);
		}
	}
}
