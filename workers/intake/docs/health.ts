import { createRoute, z } from "@hono/zod-openapi";
import { newApp } from "../http/app.ts";
import { errorResponse, jsonResponse, noQuery, openErrors } from "../http/describe-route.ts";

const route = createRoute({
	operationId: "checkHealth",
	method: "get",
	path: "/healthz",
	tags: ["Service"],
	security: [],
	summary: "Health check",
	request: { query: noQuery },
	responses: {
		...openErrors,
		200: jsonResponse("OK", z.object({ status: z.literal("ok") })),
		503: errorResponse("Not configured. The message names each missing or malformed setting."),
	},
});

/** With an incomplete configuration, intake responds with 503 before any route runs. */
export const healthRoute = newApp().openapi(route, (c) => c.json({ status: "ok" as const }, 200));
