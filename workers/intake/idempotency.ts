/** The `Idempotency-Key` header (IETF draft-ietf-httpapi-idempotency-key-header). */
import type { Context } from "hono";
import { AppError } from "../../shared/core/errors.ts";
import { sha256Hex } from "../../shared/webhooks/digest.ts";
import type { IntakeEnv } from "./services.ts";

/** Same key, same method, path and bytes: the same request. Null: no key. */
export async function readIdempotency(c: Context<IntakeEnv>): Promise<{ key: string; fingerprint: string } | null> {
	const key = c.req.header("idempotency-key");
	if (key === undefined) return null;
	// A repeated header arrives joined by ", ", and fails for its space.
	if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
		throw new AppError(
			"invalid_request",
			"Must be 1 to 255 visible ASCII characters, without space.",
			"Idempotency-Key",
		);
	}
	const { services, rawBody } = c.var;
	return { key, fingerprint: await sha256Hex(services.runtime, `${c.req.method} ${c.req.path}\n`, rawBody) };
}
