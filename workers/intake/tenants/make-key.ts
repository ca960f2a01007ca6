/** Makes an API key, whoever asks for it. */
import type { z } from "@hono/zod-openapi";
import { type CreateApiKey, type NewApiKeyView, viewKey } from "../../../shared/api/key-views.ts";
import { AppError, StorageUnavailable } from "../../../shared/core/errors.ts";
import { newId } from "../../../shared/core/ids.ts";
import { makeApiKey } from "../../../shared/core/tenants/api-key.ts";
import type { Actor } from "../../../shared/core/tenants/audit.ts";
import type { ApiKey } from "../../../shared/core/tenants/tenant.ts";
import { sha256Hex } from "../../../shared/crypto/digest.ts";
import type { Database } from "../../../shared/db/database.ts";
import { createApiKey, type NewApiKey } from "../../../shared/db/tenants/api-keys.ts";
import type { Services } from "../services.ts";

/** As it is shown, this once. Null: whom it would belong to, or who asks, is not there any more. */
export async function makeKey(
	{ db, runtime }: Services,
	owner: Pick<NewApiKey, "tenantId" | "makerId" | "scopes">,
	request: z.infer<typeof CreateApiKey>,
	by: Actor,
): Promise<z.infer<typeof NewApiKeyView> | null> {
	const expiresAt = request.expires_at === undefined ? null : Date.parse(request.expires_at);
	if (expiresAt !== null && expiresAt <= runtime.now()) {
		throw new AppError("invalid_request", "Must be in the future.", "expires_at");
	}
	const keyId = newId("key", runtime);
	const key = makeApiKey(keyId, runtime.randomBytes);
	const keyHash = await sha256Hex(runtime, key);
	const stored = await createWithRetry(db, { ...owner, keyId, keyHash, name: request.name, expiresAt }, by);
	return stored === null ? null : { ...viewKey(stored), key };
}

/** A lost answer may have been a commit: a caller who asked again would have a key in the list whose secret nobody knows. */
async function createWithRetry(db: Database, key: NewApiKey, by: Actor): Promise<ApiKey | null> {
	try {
		return await createApiKey(db, key, by);
	} catch (error) {
		if (!(error instanceof StorageUnavailable)) throw error;
		return await createApiKey(db, key, by);
	}
}
