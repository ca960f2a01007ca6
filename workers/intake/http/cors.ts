/** Lets the pages of named origins read the answers. A key travels in a header of the page's own, so never with credentials. */
import { createMiddleware } from "hono/factory";
import type { IntakeEnv } from "../services.ts";

const READABLE = "content-range, etag, idempotent-replayed, location, retry-after, x-request-id, x-should-retry";
const SENDABLE = "authorization, content-type, idempotency-key, if-none-match, if-range, prefer, range";
/** Browsers ask again after this long at the latest; a new list must not wait for a day. */
const PREFLIGHT_SECONDS = 600;

export const allowOrigins = createMiddleware<IntakeEnv>(async function allowOrigins(c, next) {
	await next();
	const { corsOrigins } = c.env.services.config;
	if (corsOrigins.length === 0) return;
	c.header("vary", "origin", { append: true });
	const origin = c.req.header("origin");
	if (origin === undefined || !corsOrigins.includes(origin)) return;
	c.header("access-control-allow-origin", origin);
	c.header("access-control-expose-headers", READABLE);
	if (c.req.method !== "OPTIONS") return;
	c.header("access-control-allow-methods", c.res.headers.get("allow") ?? "");
	c.header("access-control-allow-headers", SENDABLE);
	c.header("access-control-max-age", String(PREFLIGHT_SECONDS));
});
