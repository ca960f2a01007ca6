/** The `Idempotency-Key` header (IETF draft-ietf-httpapi-idempotency-key-header). */
import type { Context } from "hono";
import { sha256Hex } from "../../shared/webhooks/digest.ts";
import type { IntakeEnv } from "./services.ts";

/** Same key, same method, path and bytes: the same request. Null: no key. The schema has judged its form. */
export async function readIdempotency(c: Context<IntakeEnv>): Promise<{ key: string; fingerprint: string } | null> {
	const key = c.req.header("idempotency-key");
	if (key === undefined) return null;
	const { services, rawBody } = c.var;
	return { key, fingerprint: await sha256Hex(services.runtime, `${c.req.method} ${c.req.path}\n`, rawBody) };
}
