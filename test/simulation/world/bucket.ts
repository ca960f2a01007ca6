/** R2 as far as the service uses it: strongly consistent, put-if-absent, and with a network in between. */
import { createHash } from "node:crypto";
import type { Invocation } from "./invocation.ts";
import type { World } from "./world.ts";

const FAULT = "put: We encountered an internal error. Please try again. (10001)";
const LIST_MAX = 1_000;

interface StoredObject {
	key: string;
	bytes: Uint8Array<ArrayBuffer>;
	etag: string;
	customMetadata: Record<string, string>;
}

/** `refused`: put-if-absent found the key taken. */
interface BucketChange {
	kind: "put" | "overwritten" | "refused" | "deleted" | "put_failed";
	key: string;
}

export class SimulatedBucket {
	readonly objects = new Map<string, StoredObject>();
	readonly #world: World;
	readonly #listeners: ((change: BucketChange, by: Invocation) => void)[] = [];

	constructor(world: World) {
		this.#world = world;
	}

	onChange(listener: (change: BucketChange, by: Invocation) => void): void {
		this.#listeners.push(listener);
	}

	bindingFor(by: Invocation): R2Bucket {
		const world = this.#world;
		const call = <T>(site: string, act: () => T) => by.call(`R2 ${site}`, world.current.storage, FAULT, act);
		const write = <T>(site: string, act: () => T) =>
			by.call(`R2 ${site}`, world.current.storageWrites ?? world.current.storage, FAULT, act);
		const binding = {
			put: async (key: string, value: string | Uint8Array, options: R2PutOptions = {}) => {
				try {
					return await write(`put ${key}`, () => this.#put(key, value, options, by));
				} catch (error) {
					this.#report({ kind: "put_failed", key }, by);
					throw error;
				}
			},
			head: (key: string) => call(`head ${key}`, () => shown(this.objects.get(key))),
			get: (key: string, options: R2GetOptions = {}) =>
				call(`get ${key}`, () => shown(this.objects.get(key), options.range)),
			delete: (keys: string | string[]) => write(`delete ${String(keys)}`, () => this.#delete([keys].flat(), by)),
			list: (options: R2ListOptions = {}) => call(`list ${options.prefix ?? ""}`, () => this.#list(options)),
		};
		return binding as unknown as R2Bucket;
	}

	#put(key: string, value: string | Uint8Array, options: R2PutOptions, by: Invocation) {
		const known = this.objects.get(key);
		const condition = options.onlyIf;
		const onlyIfAbsent = condition !== undefined && "etagDoesNotMatch" in condition;
		if (known !== undefined && onlyIfAbsent) {
			this.#report({ kind: "refused", key }, by);
			return null;
		}
		const bytes = new Uint8Array(typeof value === "string" ? new TextEncoder().encode(value) : value);
		const etag = createHash("md5").update(bytes).digest("hex");
		this.objects.set(key, { key, bytes, etag, customMetadata: { ...options.customMetadata } });
		this.#report({ kind: known === undefined ? "put" : "overwritten", key }, by);
		return shown(this.objects.get(key));
	}

	#delete(keys: string[], by: Invocation): void {
		for (const key of keys) {
			if (this.objects.delete(key)) this.#report({ kind: "deleted", key }, by);
		}
	}

	#list({ prefix = "", cursor, limit = LIST_MAX }: R2ListOptions) {
		const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix) && key > (cursor ?? "")).sort();
		const page = keys.slice(0, limit);
		const truncated = keys.length > page.length;
		const objects = page.map((key) => shown(this.objects.get(key)));
		return { objects, truncated, ...(truncated ? { cursor: page.at(-1) } : {}), delimitedPrefixes: [] };
	}

	#report(change: BucketChange, by: Invocation): void {
		for (const listener of this.#listeners) listener(change, by);
	}
}

function shown(object: StoredObject | undefined, range?: R2Range | Headers) {
	if (object === undefined) return null;
	const { key, etag, customMetadata } = object;
	const part = partOf(object.bytes, range);
	const text = async () => new TextDecoder().decode(part);
	return {
		key,
		etag,
		httpEtag: `"${etag}"`,
		size: object.bytes.byteLength,
		customMetadata,
		text,
		json: async () => JSON.parse(await text()) as unknown,
		arrayBuffer: async () => part.buffer,
		get body() {
			return new Response(part).body;
		},
	};
}

function partOf(bytes: Uint8Array<ArrayBuffer>, range: R2Range | Headers | undefined): Uint8Array<ArrayBuffer> {
	if (range === undefined || range instanceof Headers) return bytes;
	if ("suffix" in range) return bytes.slice(-range.suffix);
	const from = range.offset ?? 0;
	return bytes.slice(from, range.length === undefined ? undefined : from + range.length);
}
