import { createRoute, z } from "@hono/zod-openapi";
import { jsonResponse, noQuery, openErrors } from "../../../shared/api/schemas.ts";
import { sha256Base64 } from "../../../shared/crypto/digest.ts";
import { newApp } from "../http/app.ts";
import { renderDocs, STYLE } from "./docs-page.ts";

const shared = { method: "get" as const, tags: ["Service"], security: [], request: { query: noQuery } };

const data = createRoute({
	...shared,
	path: "/openapi.json",
	summary: "Get this description of the API",
	responses: { 200: jsonResponse("An OpenAPI 3.1 document.", z.object({}).loose()), ...openErrors },
});

const page = createRoute({
	...shared,
	path: "/docs",
	summary: "Read this description of the API",
	responses: {
		200: { description: "A page.", content: { "text/html": { schema: z.string() } } },
		...openErrors,
	},
});

/** @param describe the document: of all routes, these too */
export function documentationRoutes(describe: () => object) {
	return newApp()
		.openapi(data, (c) => c.json({ ...describe() }, 200))
		.openapi(page, async (c) => {
			// The page has this one style, and nothing else.
			const style = await sha256Base64(c.env.services.runtime, STYLE);
			c.header("content-security-policy", `default-src 'none'; style-src 'sha256-${style}'; frame-ancestors 'none'`);
			return c.html(await renderDocs(describe()), 200);
		});
}
