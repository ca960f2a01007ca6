/**
 * Secrets at rest: AES-256-GCM under a key derived from SIGNING_KEY, as `v1.<key id>.<iv>.<ciphertext>`. What the secret
 * belongs to is authenticated with it, so that a sealed secret moved to another row does not open.
 */
import type { Runtime } from "../core/runtime.ts";

const VERSION = "v1";
/** NIST SP 800-38D: 96 random bits are safe for far more than the few seals a key ever makes. */
const IV_BYTES = 12;

/**
 * What the signing keys come to, derived once an isolate, which has one `subtle`: each webhook asks for it several times.
 * Values are kept, and no promises, which the runtime ends with the request that made them.
 */
class Derived<Value> {
	readonly #known = new WeakMap<SubtleCrypto, Map<string, Value>>();

	async of({ subtle }: Runtime, name: string, derive: () => Promise<Value>): Promise<Value> {
		const known = this.#known.get(subtle) ?? new Map<string, Value>();
		this.#known.set(subtle, known);
		const value = known.get(name) ?? (await derive());
		known.set(name, value);
		return value;
	}
}

/** @param owner what the secret belongs to, such as a tenant's id */
export async function seal(runtime: Runtime, signingKey: string, owner: string, secret: string): Promise<string> {
	const iv = runtime.randomBytes(IV_BYTES);
	const key = await deriveKey(runtime, signingKey, "AES-GCM", "encrypt");
	const sealed = await runtime.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(owner) }, key, utf8(secret));
	return [VERSION, await keyId(runtime, signingKey), toHex(iv), toHex(new Uint8Array(sealed))].join(".");
}

/** Rejects where none of `signingKeys` sealed it, or where it belongs to another owner. */
export async function unseal(runtime: Runtime, signingKeys: string[], owner: string, sealed: string): Promise<string> {
	const [version, id, iv, ciphertext] = sealed.split(".");
	for (const signingKey of signingKeys) {
		if (version !== VERSION || id !== (await keyId(runtime, signingKey))) continue;
		const key = await deriveKey(runtime, signingKey, "AES-GCM", "decrypt");
		const algorithm = { name: "AES-GCM", iv: fromHex(iv ?? ""), additionalData: utf8(owner) };
		return new TextDecoder().decode(await runtime.subtle.decrypt(algorithm, key, fromHex(ciphertext ?? "")));
	}
	throw new Error("no SIGNING_KEY in force opens this secret; is SIGNING_KEY_PREVIOUS missing?");
}

const keyIds = new Derived<string>();

/** Names a signing key without telling it: which of two is in use shows in the sealed text. */
export async function keyId(runtime: Runtime, signingKey: string): Promise<string> {
	return await keyIds.of(runtime, signingKey, async () => {
		const digest = await runtime.subtle.digest("SHA-256", utf8(`holdfast key id ${signingKey}`));
		return toHex(new Uint8Array(digest)).slice(0, 8);
	});
}

type Purpose = "AES-GCM" | "HMAC";
type Use = "encrypt" | "decrypt" | "sign" | "verify";

const keys = new Derived<CryptoKey>();

/** A key of its own for each purpose (RFC 5869), so that none reveals another. */
export async function deriveKey(runtime: Runtime, signingKey: string, purpose: Purpose, use: Use): Promise<CryptoKey> {
	return await keys.of(runtime, `${purpose} ${use} ${signingKey}`, () => deriveAnew(runtime, signingKey, purpose, use));
}

async function deriveAnew(runtime: Runtime, signingKey: string, purpose: Purpose, use: Use): Promise<CryptoKey> {
	const master = await runtime.subtle.importKey("raw", utf8(signingKey), "HKDF", false, ["deriveKey"]);
	const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(`holdfast ${purpose}`) };
	const target = purpose === "HMAC" ? { name: "HMAC", hash: "SHA-256", length: 256 } : { name: purpose, length: 256 };
	return await runtime.subtle.deriveKey(hkdf, master, target, false, [use]);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function toHex(bytes: Uint8Array): string {
	let hex = "";
	for (const byte of bytes) hex += HEX[byte];
	return hex;
}

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
	return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
	return new Uint8Array(new TextEncoder().encode(text));
}
