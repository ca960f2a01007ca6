/**
 * Secrets at rest: AES-256-GCM under a key derived from SIGNING_KEY, as `v1.<key id>.<iv>.<ciphertext>`. What the secret
 * belongs to is authenticated with it, so that a sealed secret moved to another row does not open.
 */
import type { Runtime } from "../core/runtime.ts";

const VERSION = "v1";
/** NIST SP 800-38D: 96 random bits are safe for far more than the few seals a key ever makes. */
const IV_BYTES = 12;

/** @param owner what the secret belongs to, such as a tenant's id */
export async function seal(runtime: Runtime, signingKey: string, owner: string, secret: string): Promise<string> {
	const iv = runtime.randomBytes(IV_BYTES);
	const key = await deriveKey(runtime, signingKey, "AES-GCM", ["encrypt"]);
	const sealed = await runtime.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(owner) }, key, utf8(secret));
	return [VERSION, await keyId(runtime, signingKey), toHex(iv), toHex(new Uint8Array(sealed))].join(".");
}

/** Rejects where none of `signingKeys` sealed it, or where it belongs to another owner. */
export async function unseal(runtime: Runtime, signingKeys: string[], owner: string, sealed: string): Promise<string> {
	const [version, id, iv, ciphertext] = sealed.split(".");
	for (const signingKey of signingKeys) {
		if (version !== VERSION || id !== (await keyId(runtime, signingKey))) continue;
		const key = await deriveKey(runtime, signingKey, "AES-GCM", ["decrypt"]);
		const algorithm = { name: "AES-GCM", iv: fromHex(iv ?? ""), additionalData: utf8(owner) };
		return new TextDecoder().decode(await runtime.subtle.decrypt(algorithm, key, fromHex(ciphertext ?? "")));
	}
	throw new Error("no SIGNING_KEY in force opens this secret; is SIGNING_KEY_PREVIOUS missing?");
}

/** Names a signing key without telling it: which of two is in use shows in the sealed text. */
export async function keyId(runtime: Runtime, signingKey: string): Promise<string> {
	const digest = await runtime.subtle.digest("SHA-256", utf8(`holdfast key id ${signingKey}`));
	return toHex(new Uint8Array(digest)).slice(0, 8);
}

/** A key of its own for each purpose (RFC 5869), so that none reveals another. */
export async function deriveKey(
	runtime: Runtime,
	signingKey: string,
	purpose: "AES-GCM" | "HMAC",
	uses: ("encrypt" | "decrypt" | "sign" | "verify")[],
): Promise<CryptoKey> {
	const master = await runtime.subtle.importKey("raw", utf8(signingKey), "HKDF", false, ["deriveKey"]);
	const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(`holdfast ${purpose}`) };
	const target = purpose === "HMAC" ? { name: "HMAC", hash: "SHA-256", length: 256 } : { name: purpose, length: 256 };
	return await runtime.subtle.deriveKey(hkdf, master, target, false, uses);
}

export function toHex(bytes: Uint8Array): string {
	return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
	return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
	return new Uint8Array(new TextEncoder().encode(text));
}
