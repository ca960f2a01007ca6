/** API keys that this isolate looked up recently, so that a busy caller's key costs no look-up. */
import type { Runtime } from "../../../shared/core/runtime.ts";
import type { Database } from "../../../shared/db/database.ts";
import { findKeyInForce, type KeyInForce } from "../../../shared/db/tenants/api-keys.ts";

/** The longest a revoked key still works, in any isolate. */
const KEY_MS = 10_000;
/** Invented keys with a valid checksum must not fill the memory. */
const KEYS_MAX = 10_000;

export interface KnownKey extends KeyInForce {
	/** The key itself, once a request has brought it. */
	provenBy: string | null;
}

export class KeyCache {
	readonly #known = new Map<string, { key: KnownKey | null; until: number }>();

	/** The time counts from before the look-up, since its result may be as old as that. No key outlives its expiry here. */
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

	/** Its keys are looked up again, so that in this isolate they stop at once. */
	forgetTenant(tenantId: string): void {
		for (const [keyId, { key }] of this.#known) if (key?.tenantId === tenantId) this.#known.delete(keyId);
	}
}
