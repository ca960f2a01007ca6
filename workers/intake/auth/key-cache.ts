/** Caches API keys per isolate, so that a busy caller costs few look-ups. */
import type { Runtime } from "../../../shared/core/runtime.ts";
import type { Database } from "../../../shared/db/database.ts";
import { findKeyInForce, type KeyInForce } from "../../../shared/db/tenants/api-keys.ts";

/** For at most this long, a key that another isolate revoked still works. */
const KEY_MS = 10_000;
/** Bounds the memory. */
const KEYS_MAX = 10_000;
/** Of ids that are no key in force. Anyone can invent them, so they have a store of their own. */
const UNKNOWN_IDS_MAX = 1_000;

export interface KnownKey extends KeyInForce {
	/** The key itself, once a request has brought it. */
	provenBy: string | null;
}

interface Entry<Key> {
	key: Key;
	since: number;
	until: number;
}

export class KeyCache {
	readonly #known = new Map<string, Entry<KnownKey>>();
	readonly #unknown = new Map<string, Entry<null>>();

	/**
	 * An entry's time starts before the look-up, whose result may be that old. It ends when the key expires, if not before.
	 * @param beforeUnknown called before the look-up of an id that this isolate has never found to be a key. May throw.
	 */
	async find(
		db: Database,
		runtime: Runtime,
		keyId: string,
		beforeUnknown: () => Promise<void>,
	): Promise<KnownKey | null> {
		const startedAt = runtime.now();
		const cached = this.#entryOf(keyId);
		if (cached !== undefined && cached.until > startedAt) return cached.key;
		if (!this.#known.has(keyId)) await beforeUnknown();
		const found = await findKeyInForce(db, keyId);
		// Revoked by this isolate during the look-up.
		if ((this.#unknown.get(keyId)?.since ?? 0) >= startedAt) return null;
		const key = found === null ? null : { ...found, provenBy: null };
		this.#put(keyId, key, startedAt, startedAt + Math.min(KEY_MS, key?.expiresInMs ?? KEY_MS));
		return key;
	}

	/** After their revocation: in this isolate, these keys stop working at once. */
	forget({ now }: Runtime, keyIds: readonly string[]): void {
		const since = now();
		for (const keyId of keyIds) this.#put(keyId, null, since, since + KEY_MS);
	}

	/** After its deletion: in this isolate, the tenant's keys stop working at once. */
	forgetTenant(tenantId: string): void {
		for (const [keyId, { key }] of this.#known) if (key.tenantId === tenantId) this.#known.delete(keyId);
	}

	#entryOf(keyId: string): Entry<KnownKey | null> | undefined {
		return this.#known.get(keyId) ?? this.#unknown.get(keyId);
	}

	#put(keyId: string, key: KnownKey | null, since: number, until: number): void {
		this.#known.delete(keyId);
		this.#unknown.delete(keyId);
		if (key === null) putLast(this.#unknown, keyId, { key, since, until }, UNKNOWN_IDS_MAX);
		else putLast(this.#known, keyId, { key, since, until }, KEYS_MAX);
	}
}

/** The entry that was put first goes first. */
function putLast<Value>(map: Map<string, Value>, key: string, value: Value, max: number): void {
	map.set(key, value);
	const [first] = map.keys();
	if (map.size > max && first !== undefined) map.delete(first);
}
