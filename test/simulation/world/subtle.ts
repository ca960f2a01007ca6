/**
 * The part of WebCrypto that the service uses, done at once: the real one answers from a thread, whenever it likes, and
 * would bring the machine's own time into the world. Keys are what they were made of; nothing here is secret.
 */
import { hash as hashOnce } from "node:crypto";

type Bytes = Uint8Array<ArrayBuffer>;

const hash = (...parts: Uint8Array[]): Bytes =>
	new Uint8Array(hashOnce("sha256", parts.length === 1 ? (parts[0] ?? "") : Buffer.concat(parts), "buffer"));

/** A key is its bytes, in the clothes of a `CryptoKey`. */
class InstantKey {
	readonly bytes: Bytes;
	constructor(bytes: Bytes) {
		this.bytes = bytes;
	}
}

const bytesOf = (key: unknown): Bytes => (key instanceof InstantKey ? key.bytes : new Uint8Array());
const view = (data: BufferSource): Bytes =>
	new Uint8Array(
		data instanceof ArrayBuffer ? data : data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
	) as Bytes;
const isSame = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;

const instant = {
	digest: async (_algorithm: string, data: BufferSource) => hash(view(data)).buffer,
	importKey: async (_format: string, data: BufferSource) => new InstantKey(view(data)),
	deriveKey: async (algorithm: { info: BufferSource }, key: unknown) =>
		new InstantKey(hash(bytesOf(key), view(algorithm.info))),
	sign: async (_algorithm: unknown, key: unknown, data: BufferSource) => hash(bytesOf(key), view(data)).buffer,
	verify: async (_algorithm: unknown, key: unknown, signature: BufferSource, data: BufferSource) =>
		isSame(hash(bytesOf(key), view(data)), view(signature)),
	encrypt: async (_algorithm: unknown, _key: unknown, data: BufferSource) => view(data).buffer,
	decrypt: async (_algorithm: unknown, _key: unknown, data: BufferSource) => view(data).buffer,
};

/** One of its own for each invocation: what an isolate keeps by it is unknown to the next, whatever ran before. */
export function instantSubtle(): SubtleCrypto {
	return { ...instant } as unknown as SubtleCrypto;
}
