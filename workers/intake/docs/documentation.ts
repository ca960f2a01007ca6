import { createRoute, z } from "@hono/zod-openapi";
import { sha256Base64 } from "../../../shared/crypto/digest.ts";
import { newApp } from "../http/app.ts";
import { jsonResponse, noQuery, openErrors } from "../http/describe-route.ts";
import { PAGE, SCRIPT } from "./docs-page.ts";

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

/** @param script the hash of the page's own script */
const contentSecurityPolicy = (script: string) =>
	[
		"default-src 'none'",
		// Swagger UI's file, and the script that starts it.
		`script-src 'self' 'sha256-${script}'`,
		"style-src 'self'",
		// The icons in Swagger UI's stylesheet.
		"img-src data:",
		// The OpenAPI document, and the requests that a reader tries.
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	].join("; ");

/** @param describe makes the OpenAPI document of all routes, including these */
export function documentationRoutes(describe: () => object) {
	const routes = newApp()
		.openapi(data, (c) => c.json({ ...describe() }, 200))
		.openapi(page, async (c) => {
			const script = await sha256Base64(c.env.services.runtime, SCRIPT);
			c.header("content-security-policy", contentSecurityPolicy(script));
			return c.html(PAGE, 200);
		});
	// As people type it. No route: for programs, there is nothing.
	routes.use("/docs/", async function dropSlash(c, next) {
		return c.req.method === "GET" ? c.redirect("/docs") : await next();
	});
	return routes;
}
