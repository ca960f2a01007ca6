/** The actor of a request, for the audit log. */
import type { Context } from "hono";
import { type Actor, OPERATOR } from "../../../shared/core/tenants/audit.ts";
import type { IntakeEnv } from "../services.ts";

/** For a request with an API key. */
export function callerAsActor(c: Context<IntakeEnv>): Actor {
	return { actor: c.var.caller.keyId, requestId: c.env.requestId };
}

/** For a request with ADMIN_TOKEN. */
export function operatorAsActor(c: Context<IntakeEnv>): Actor {
	return { actor: OPERATOR, requestId: c.env.requestId };
}
