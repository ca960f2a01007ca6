/**
 * Secrets at rest: AES-256-GCM under a key derived from SIGNING_KEY, as `v1.<key id>.<iv>.<ciphertext>`. The owner of the
 * secret is authenticated data, so a sealed secret that is moved to another row does not open.
 */
import type { Runtime } from "../core/runtime.ts";
import { fromHex, toHex, utf8 } from "./bytes.ts";

const VERSION = "v1";
/** NIST SP 800-38D: 96 random bits are safe for many more seals than one key ever makes. */
const IV_BYTES = 12;

/**
 * Keys derived from the signing keys. An isolate has one `subtle`, so it derives each key once, though every webhook needs
 * several. Holds values, not promises: the runtime cancels a promise with the request that made it.
 */
const derived = new WeakMap<SubtleCrypto, { keyIds: Map<string, string>; keys: Map<string, CryptoKey> }>();

function derivedWith({ subtle }: Pick<Runtime, "subtle">) {
	const known = derived.get(subtle) ?? { keyIds: new Map(), keys: new Map() };
	derived.set(subtle, known);
	return known;
}

/** @param owner what the secret belongs to, such as a tenant's id */
export async function seal(runtime: Runtime, signingKey: string, owner: string, secret: string): Promise<string> {
	const iv = runtime.randomBytes(IV_BYTES);
	const key = await deriveKey(runtime, signingKey, "AES-GCM", "encrypt");
	const sealed = await runtime.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(owner) }, key, utf8(secret));
	return [VERSION, await signingKeyId(runtime, signingKey), toHex(iv), toHex(new Uint8Array(sealed))].join(".");
}

/** Rejects if none of `signingKeys` sealed it, or if it belongs to another owner. */
export async function unseal(runtime: Runtime, signingKeys: string[], owner: string, sealed: string): Promise<string> {
	const [version, id, iv, ciphertext] = sealed.split(".");
	for (const signingKey of signingKeys) {
		if (version !== VERSION || id !== (await signingKeyId(runtime, signingKey))) continue;
		const key = await deriveKey(runtime, signingKey, "AES-GCM", "decrypt");
		const algorithm = { name: "AES-GCM", iv: fromHex(iv ?? ""), additionalData: utf8(owner) };
		return new TextDecoder().decode(await runtime.subtle.decrypt(algorithm, key, fromHex(ciphertext ?? "")));
	}
	throw new Error("no configured SIGNING_KEY opens this secret; is SIGNING_KEY_PREVIOUS missing?");
}

/** Names a signing key without revealing it: a sealed text shows which of two keys sealed it. */
export async function signingKeyId(runtime: Runtime, signingKey: string): Promise<string> {
	const { keyIds } = derivedWith(runtime);
	const known = keyIds.get(signingKey);
	if (known !== undefined) return known;
	const digest = await runtime.subtle.digest("SHA-256", utf8(`holdfast key id ${signingKey}`));
	const id = toHex(new Uint8Array(digest)).slice(0, 8);
	keyIds.set(signingKey, id);
	return id;
}

type Purpose = "AES-GCM" | "HMAC";
type Use = "encrypt" | "decrypt" | "sign" | "verify";

/** A separate key for each purpose (RFC 5869), so that none reveals another. */
export async function deriveKey(
	runtime: Pick<Runtime, "subtle">,
	signingKey: string,
	purpose: Purpose,
	use: Use,
): Promise<CryptoKey> {
	const { keys } = derivedWith(runtime);
	const name = `${purpose} ${use} ${signingKey}`;
	const known = keys.get(name);
	if (known !== undefined) return known;
	const master = await runtime.subtle.importKey("raw", utf8(signingKey), "HKDF", false, ["deriveKey"]);
	const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(`holdfast ${purpose}`) };
	const target = purpose === "HMAC" ? { name: "HMAC", hash: "SHA-256", length: 256 } : { name: purpose, length: 256 };
	const key = await runtime.subtle.deriveKey(hkdf, master, target, false, [use]);
	keys.set(name, key);
	return key;
}
