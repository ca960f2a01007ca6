/** The one query parameter that no schema sees: put into an object, it is no member of it. */
import { createMiddleware } from "hono/factory";
import { AppError } from "../../../shared/core/errors.ts";
import type { IntakeEnv } from "../services.ts";

export const refusePrototype = createMiddleware<IntakeEnv>(async function refusePrototype(c, next) {
	const { searchParams } = new URL(c.req.url);
	if (searchParams.has("__proto__")) {
		throw new AppError("invalid_request", "This parameter is not known here.", "__proto__");
	}
	await next();
});
