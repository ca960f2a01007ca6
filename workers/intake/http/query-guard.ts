/** Refuses the query parameter `__proto__`, which never becomes a property of the query object, so that no schema sees it. */
import { createMiddleware } from "hono/factory";
import { AppError } from "../../../shared/core/errors.ts";
import type { IntakeEnv } from "../services.ts";

export const refusePrototype = createMiddleware<IntakeEnv>(async function refusePrototype(c, next) {
	const { searchParams } = new URL(c.req.url);
	if (searchParams.has("__proto__")) {
		throw new AppError("invalid_request", "Unknown query parameter.", "__proto__");
	}
	await next();
});
