/** `/docs`: the API reference, drawn by Swagger UI from its own files under `/docs/`, or a link where those are missing. */

/** The page's only script of its own. The Content-Security-Policy has its hash. */
export const SCRIPT = `
const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.classList.toggle("dark-mode", isDark);
globalThis.SwaggerUIBundle?.({
	url: "/openapi.json",
	dom_id: "#reference",
	deepLinking: true,
	defaultModelsExpandDepth: 0,
	displayRequestDuration: true,
	filter: true,
	tryItOutEnabled: true,
	validatorUrl: null,
});
`;

export const PAGE = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast API</title><link rel="stylesheet" href="/docs/swagger-ui.css"></head><body>
<main id="reference"><h1>Holdfast API</h1>
<p>The API reference needs scripts, and its files, which <code>npm start</code> and <code>npm run deploy</code> add to the service.
The same as an OpenAPI document: <a href="/openapi.json">/openapi.json</a>.</p></main>
<script src="/docs/swagger-ui-bundle.js"></script><script>${SCRIPT}</script>
</body></html>
`;
