import { createRoute, z } from "@hono/zod-openapi";
import { errorResponse, jsonResponse, noQuery, openErrors } from "../../../shared/api/schemas.ts";
import { newApp } from "../http/app.ts";

const route = createRoute({
	method: "get",
	path: "/healthz",
	tags: ["Service"],
	security: [],
	summary: "See that the service is up and its configuration whole",
	request: { query: noQuery },
	responses: {
		...openErrors,
		200: jsonResponse("It is.", z.object({ status: z.literal("ok") })),
		503: errorResponse("The message names what is missing or malformed."),
	},
});

/** A configuration that is not whole never gets here: intake answers for it, on every route. */
export const healthRoute = newApp().openapi(route, (c) => c.json({ status: "ok" as const }, 200));
