/** Where links to this service start. */
import type { Context } from "hono";
import type { IntakeEnv } from "../services.ts";

/** PUBLIC_URL, or else as the caller reached us. Without a final slash. */
export function originOf(c: Context<IntakeEnv>): string {
	return c.env.services.config.publicUrl ?? new URL(c.req.url).origin;
}
