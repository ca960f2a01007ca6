/** Completes each route's OpenAPI description: the scopes that its key needs, from the middleware that checks it, and its path. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { IntakeEnv } from "../services.ts";

export function describeScopes({ routes, openAPIRegistry }: OpenAPIHono<IntakeEnv>): void {
	for (const definition of openAPIRegistry.definitions) {
		if (definition.type !== "route") continue;
		const { route } = definition;
		const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
		for (const { method, path: own, handler } of routes) {
			if (method !== route.method.toUpperCase() || own !== path) continue;
			if ("scopes" in handler && Array.isArray(handler.scopes)) {
				route.security = [{ key: handler.scopes }, { session: handler.scopes }];
			}
		}
		// OpenAPI has no parameter that takes slashes.
		route.path = route.path.replaceAll(/:(\w+)\{\.\+\}/g, "{$1}");
	}
}
