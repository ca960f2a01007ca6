/** Says in the description of each route which scope its key needs: read off the very middleware that asks for it. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { scopeAskedBy } from "../auth/authenticate.ts";
import type { IntakeEnv } from "../services.ts";

export function describeScopes({ routes, openAPIRegistry }: OpenAPIHono<IntakeEnv>): void {
	for (const definition of openAPIRegistry.definitions) {
		if (definition.type !== "route") continue;
		const { route } = definition;
		const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
		for (const { method, path: own, handler } of routes) {
			const scope = method === route.method.toUpperCase() && own === path ? scopeAskedBy(handler) : null;
			if (scope !== null) route.security = [{ key: [scope] }];
		}
	}
}
