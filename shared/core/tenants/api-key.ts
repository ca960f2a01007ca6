/**
 * API keys: `hf_<key id>_<secret><checksum>`. As with GitHub's tokens, the checksum refuses a mistyped or made-up key
 * without a lookup in D1, and lets scanners recognise a leaked one.
 */

/** What a key may do. */
export const SCOPES = [
	"jobs:read",
	"jobs:write",
	"webhooks:read",
	"webhooks:write",
	"secrets:read",
	"keys:manage",
	"usage:read",
] as const;
export type Scope = (typeof SCOPES)[number];

/** The scopes of a key created without any: all but the right to manage keys. */
export const DEFAULT_SCOPES: Scope[] = SCOPES.filter((scope) => scope !== "keys:manage");

export interface ApiKey {
	keyId: string;
	tenantId: string;
	name: string;
	scopes: string[];
	/** The key that created this one, and whose revocation ends it. Null: the operator, or unknown. */
	madeBy: string | null;
	createdAt: number;
	/** The hour in which it was last used. Null: never. */
	lastUsedAt: number | null;
	expiresAt: number | null;
	revokedAt: number | null;
}

/** 62^32: as good as 190 random bits. */
const SECRET_LENGTH = 32;
const CHECKSUM_LENGTH = 6;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const FORM = /^hf_([0-7][0-9a-hjkmnp-tv-z]{25})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;

/** @param keyId `key_…`, the id of the key's row */
export function makeApiKey(keyId: string, randomBytes: (length: number) => Uint8Array): string {
	const body = `hf_${keyId.slice("key_".length)}_${randomSecret(randomBytes)}`;
	return body + checksum(body);
}

/** The id of the row to look `key` up in. Null: this cannot be a key. */
export function keyIdOf(key: string): string | null {
	const match = FORM.exec(key);
	if (match === null || checksum(key.slice(0, -CHECKSUM_LENGTH)) !== match[3]) return null;
	return `key_${match[1]}`;
}

/** Uniform: a byte of 248 or more would favour the first letters, so it is skipped. */
function randomSecret(randomBytes: (length: number) => Uint8Array): string {
	let secret = "";
	while (secret.length < SECRET_LENGTH) {
		for (const byte of randomBytes(SECRET_LENGTH)) {
			if (byte < 4 * BASE62.length && secret.length < SECRET_LENGTH) secret += BASE62[byte % BASE62.length];
		}
	}
	return secret;
}

function checksum(text: string): string {
	let rest = crc32(text);
	let digits = "";
	for (let place = 0; place < CHECKSUM_LENGTH; place++) {
		digits = BASE62[rest % BASE62.length] + digits;
		rest = Math.floor(rest / BASE62.length);
	}
	return digits;
}

/** CRC-32 (ISO 3309, as in zlib and PNG) of ASCII text, as an unsigned number. */
function crc32(text: string): number {
	let crc = ~0;
	for (let at = 0; at < text.length; at++) {
		crc ^= text.charCodeAt(at);
		for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc >>> 0;
}
