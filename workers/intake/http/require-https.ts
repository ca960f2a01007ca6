/** Refuses unencrypted requests. A redirect would hide that the key was exposed. */
import { createMiddleware } from "hono/factory";
import { AppError } from "../../../shared/core/errors.ts";
import { isLoopbackHost } from "../../../shared/core/webhooks/webhook-address.ts";
import type { IntakeEnv } from "../services.ts";

export const requireHttps = createMiddleware<IntakeEnv>(async function requireHttps(c, next) {
	const { protocol, hostname } = new URL(c.req.url);
	if (protocol === "https:" || isLoopbackHost(hostname)) return await next();
	const isSignIn = c.req.method === "POST" && c.req.path === "/v1/session";
	const isExposed = isSignIn || c.req.header("authorization") !== undefined;
	const advice = " The key of this request was sent unencrypted: revoke it, and create another.";
	throw new AppError("https_required", `Use https.${isExposed ? advice : ""}`);
});
