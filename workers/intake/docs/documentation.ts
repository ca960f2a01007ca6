import { createRoute, z } from "@hono/zod-openapi";
import { sha256Base64 } from "../../../shared/crypto/digest.ts";
import { newApp } from "../http/app.ts";
import { jsonResponse, noQuery, openErrors } from "../http/describe-route.ts";
import { renderDocs, STYLE } from "./docs-page.ts";

const shared = { method: "get" as const, tags: ["Service"], security: [], request: { query: noQuery } };

const data = createRoute({
	...shared,
	operationId: "getOpenApiDocument",
	path: "/openapi.json",
	summary: "Get the OpenAPI document",
	responses: { 200: jsonResponse("The OpenAPI 3.1 document.", z.object({}).loose()), ...openErrors },
});

const page = createRoute({
	...shared,
	operationId: "getDocs",
	path: "/docs",
	summary: "Get the API reference as a page",
	responses: {
		200: { description: "The page.", content: { "text/html": { schema: z.string() } } },
		...openErrors,
	},
});

/** What `default-src` does not stand in for. */
const CLOSED = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** @param describe makes the OpenAPI document of all routes, including these */
export function documentationRoutes(describe: () => object) {
	/** Rendered once per isolate: that takes longer than most requests, and anyone may request it. */
	let rendered: string | null = null;
	return newApp()
		.openapi(data, (c) => c.json({ ...describe() }, 200))
		.openapi(page, async (c) => {
			// The page loads nothing, and has only this style.
			const style = await sha256Base64(c.env.services.runtime, STYLE);
			c.header("content-security-policy", `default-src 'none'; style-src 'sha256-${style}'; ${CLOSED}`);
			rendered ??= String(await renderDocs(describe()));
			return c.html(rendered, 200);
		});
}
