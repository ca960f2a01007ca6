/** Lets pages of the configured origins read responses. Pages of other origins send keys in a header, so cookies are never allowed. */
import { createMiddleware } from "hono/factory";
import type { IntakeEnv } from "../services.ts";

const READABLE =
	"content-range, etag, holdfast-job, idempotent-replayed, location, preference-applied, ratelimit-policy, retry-after, x-request-id, x-should-retry";
const SENDABLE = "authorization, content-type, idempotency-key, if-none-match, if-range, prefer, range";
/** OpenAI's package sends a dozen of these with each request, and every version may add more. */
const SDK_HEADER = /^x-stainless-[a-z-]+$/;
/** How long browsers cache a preflight. A changed list takes effect within this time. */
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
	c.header(
		"access-control-allow-headers",
		[SENDABLE, ...sdkHeaders(c.req.header("access-control-request-headers"))].join(", "),
	);
	c.header("access-control-max-age", String(PREFLIGHT_SECONDS));
});

/** @param requested the names in a preflight, which browsers send in lower case */
function sdkHeaders(requested = ""): string[] {
	return requested.split(",").flatMap((name) => (SDK_HEADER.test(name.trim()) ? [name.trim()] : []));
}
