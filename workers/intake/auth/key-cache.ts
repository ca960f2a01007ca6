/** API keys that this isolate has looked up lately: a busy caller's key costs no look-up. */
import type { Runtime } from "../../../shared/core/runtime.ts";
import type { Database } from "../../../shared/db/database.ts";
import { findKeyInForce, type KeyInForce } from "../../../shared/db/tenants/api-keys.ts";

/** A revoked key works for this long at most, in whichever isolate. */
const KEY_MS = 10_000;
/** Made-up keys with a right checksum must not fill the memory. */
const KEYS_MAX = 10_000;

export interface KnownKey extends KeyInForce {
	/** The key itself, once somebody has come with it here. */
	provenBy: string | null;
}

export class KeyCache {
	readonly #known = new Map<string, { key: KnownKey | null; until: number }>();

	/** What D1 says is as old as the question, so the time counts from there. No key outlives its expiry here. */
	async find(db: Database, runtime: Runtime, keyId: string): Promise<KnownKey | null> {
		const askedAt = runtime.now();
		const known = this.#known.get(keyId);
		if (known !== undefined && known.until > askedAt) return known.key;
		const found = await findKeyInForce(db, keyId);
		const key = found === null ? null : { ...found, provenBy: null };
		if (this.#known.size >= KEYS_MAX) this.#known.clear();
		this.#known.set(keyId, { key, until: askedAt + Math.min(KEY_MS, key?.expiresInMs ?? KEY_MS) });
		return key;
	}

	/** Its keys are looked up anew: here, they end at once. */
	forgetTenant(tenantId: string): void {
		for (const [keyId, { key }] of this.#known) if (key?.tenantId === tenantId) this.#known.delete(keyId);
	}
}
