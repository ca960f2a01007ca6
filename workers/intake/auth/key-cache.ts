/** Caches API keys per isolate, so that a busy caller costs few look-ups. */
import type { Runtime } from "../../../shared/core/runtime.ts";
import type { Database } from "../../../shared/db/database.ts";
import { findKeyInForce, type KeyInForce } from "../../../shared/db/tenants/api-keys.ts";

/** For at most this long, a revoked key still works. */
const KEY_MS = 10_000;
/** Bounds the memory, also against invented keys with a valid checksum. */
const KEYS_MAX = 10_000;

export interface KnownKey extends KeyInForce {
	/** The key itself, once a request has brought it. */
	provenBy: string | null;
}

export class KeyCache {
	readonly #known = new Map<string, { key: KnownKey | null; until: number }>();

	/** An entry's time starts before the look-up, whose result may be that old. It ends when the key expires, if not before. */
	async find(db: Database, runtime: Runtime, keyId: string): Promise<KnownKey | null> {
		const startedAt = runtime.now();
		const known = this.#known.get(keyId);
		if (known !== undefined && known.until > startedAt) return known.key;
		const found = await findKeyInForce(db, keyId);
		const key = found === null ? null : { ...found, provenBy: null };
		if (this.#known.size >= KEYS_MAX) this.#known.clear();
		this.#known.set(keyId, { key, until: startedAt + Math.min(KEY_MS, key?.expiresInMs ?? KEY_MS) });
		return key;
	}

	/** After its deletion: in this isolate, the tenant's keys stop working at once. */
	forgetTenant(tenantId: string): void {
		for (const [keyId, { key }] of this.#known) if (key?.tenantId === tenantId) this.#known.delete(keyId);
	}
}
