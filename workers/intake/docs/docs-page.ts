/** `/docs`: the OpenAPI document as a page that has no scripts and loads nothing. */
import { html, raw } from "hono/html";
import { z } from "zod";

const Operation = z.object({
	summary: z.string().default(""),
	description: z.string().default(""),
	tags: z.array(z.string()).default(["Other"]),
	parameters: z.array(z.unknown()).default([]),
	requestBody: z.unknown().optional(),
	responses: z.record(z.string(), z.object({ description: z.string().default("") })).default({}),
});

const Document = z.object({
	info: z.object({ title: z.string(), description: z.string().default("") }),
	paths: z.record(z.string(), z.record(z.string(), Operation)).default({}),
	components: z.object({ schemas: z.record(z.string(), z.unknown()).default({}) }).prefault({}),
});

type Listed = { method: string; path: string; operation: z.infer<typeof Operation> };

/** The page's only style. The Content-Security-Policy has its hash. */
export const STYLE = `
	:root { color-scheme: light dark; }
	body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
	code, pre { font: 14px/1.45 ui-monospace, monospace; }
	pre { overflow-x: auto; padding: .75rem; border: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
	details { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .5rem 0; }
	summary { cursor: pointer; }
	summary b { display: inline-block; min-width: 4.5rem; text-transform: uppercase; font: 600 13px ui-monospace, monospace; }
	summary span { opacity: .7; margin-left: .5rem; }
	td, th { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }`;

/** @param openapi the OpenAPI document */
export function renderDocs(openapi: unknown) {
	const { info, paths, components } = Document.parse(openapi);
	const listed: Listed[] = Object.entries(paths).flatMap(([path, item]) =>
		Object.entries(item).map(([method, operation]) => ({ method, path, operation })),
	);
	const tags = [...new Set(listed.flatMap(({ operation }) => operation.tags))];
	const ofTag = (tag: string) => listed.filter(({ operation }) => operation.tags.includes(tag));
	return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} API</title><style>${raw(STYLE)}</style></head><body>
<h1>${info.title}</h1><p>${info.description}</p>
<p>Send your key as <code>Authorization: Bearer hf_…</code>. As JSON: <a href="/openapi.json">/openapi.json</a>.</p>
${tags.map((tag) => html`<h2>${tag}</h2>${ofTag(tag).map(renderOperation)}`)}
<h2>Schemas</h2>
${Object.entries(components.schemas).map(([name, schema]) => html`<details id="${name}"><summary><code>${name}</code></summary>${json(schema)}</details>`)}
</body></html>`;
}

function renderOperation({ method, path, operation }: Listed) {
	const { summary, description, parameters, requestBody, responses } = operation;
	const listed = Object.entries(responses);
	return html`<details><summary><b>${method}</b><code>${path}</code><span>${summary}</span></summary>
<p>${description}</p>
${parameters.length > 0 ? html`<h4>Parameters</h4>${json(parameters)}` : ""}
${requestBody === undefined ? "" : html`<h4>Body</h4>${json(requestBody)}`}
<h4>Responses</h4>
<table>${listed.map(([status, response]) => html`<tr><th>${status}</th><td>${response.description}</td></tr>`)}</table></details>`;
}

function json(value: unknown) {
	return html`<pre>${JSON.stringify(value, null, 2)}</pre>`;
}
