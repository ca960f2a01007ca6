/** How a repeated submission is known: by `Idempotency-Key` (IETF draft-ietf-httpapi-idempotency-key-header), or its retry count. */
import type { Context } from "hono";
import type { Idempotency } from "../../../shared/core/jobs/idempotency.ts";
import { sha256Hex } from "../../../shared/crypto/digest.ts";
import type { IntakeEnv } from "../services.ts";

/** Same key, same method, path and bytes: the same request. Null: nothing tells. The schema has judged a key's form. */
export async function readIdempotency(c: Context<IntakeEnv>): Promise<Idempotency | null> {
	const key = c.req.header("idempotency-key");
	const count = readRetryCount(c.req.header("x-stainless-retry-count"));
	if (key === undefined && count === null) return null;
	const { services, requestId } = c.env;
	const { rawBody, caller } = c.var;
	const fingerprint = await sha256Hex(services.runtime, `${c.req.method} ${c.req.path}\n`, rawBody);
	if (key !== undefined) return { key, fingerprint };
	// No caller's key has a space.
	return { key: `retried ${caller.keyId} ${fingerprint}`, requestId, isRepeat: count !== 0 };
}

/** The header is an SDK's own: what does not look like its count means nothing, and is refused to nobody. */
function readRetryCount(text: string | undefined): number | null {
	return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : null;
}
