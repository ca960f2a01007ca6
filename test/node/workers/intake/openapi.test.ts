import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { CreateEndpoint, UpdateEndpoint } from "../../../../shared/api/endpoint.ts";
import { SubmitJob } from "../../../../shared/api/submit-job.ts";
import { SCOPES } from "../../../../shared/core/tenants/api-key.ts";
import { api } from "../../../../workers/intake/api.ts";
import { WITHOUT_SERVICES } from "../../../support/api-description.ts";

const Answer = z.object({
	description: z.string().min(1),
	content: z.record(z.string(), z.object({ schema: z.object({}).loose() })).optional(),
});

const Operation = z.object({
	operationId: z.string().regex(/^[a-z]+([A-Z][a-z]+)+$/),
	summary: z.string().min(1),
	tags: z.array(z.string()).length(1),
	security: z.array(z.object({}).loose()).optional(),
	parameters: z.array(z.object({ name: z.string(), in: z.enum(["path", "query", "header"]) }).loose()).default([]),
	requestBody: z.object({ content: z.record(z.string(), z.object({ schema: z.object({}).loose() })) }).optional(),
	responses: z.record(z.string(), Answer),
});

const Description = z
	.object({
		openapi: z.literal("3.1.0"),
		info: z.object({ title: z.string(), version: z.string() }).loose(),
		paths: z.record(z.string(), z.record(z.enum(["get", "post", "patch", "delete"]), Operation.optional())),
		components: z
			.object({ schemas: z.record(z.string(), z.unknown()), securitySchemes: z.record(z.string(), z.unknown()) })
			.loose(),
	})
	.loose();

let description: z.infer<typeof Description>;
let operations: { name: string; path: string; operation: z.infer<typeof Operation> }[];
const ajv = new Ajv2020({ strict: true, strictTypes: false, validateFormats: false, allErrors: true });
ajv.addVocabulary(["example", "components", "paths", "openapi", "info", "security", "webhooks"]);

beforeAll(async () => {
	const answer = await api.fetch(new Request("https://jobs.test/openapi.json"), WITHOUT_SERVICES);
	description = Description.parse(await answer.json());
	ajv.addSchema({ ...description, $id: "https://jobs.test/openapi.json" });
	operations = Object.entries(description.paths).flatMap(([path, item]) =>
		Object.entries(item).flatMap(([method, operation]) =>
			operation === undefined ? [] : [{ name: `${method.toUpperCase()} ${path}`, path, operation }],
		),
	);
});

/** The schema at a place of the document, compiled. */
function schemaAt(...steps: string[]) {
	const pointer = steps.map((step) => encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
	return ajv.compile({ $ref: `https://jobs.test/openapi.json#/${pointer}` });
}

describe("/openapi.json", () => {
	it("lists every route, with every status that it can give", () => {
		const listed = Object.fromEntries(
			operations.map(({ name, operation }) => [name, Object.keys(operation.responses).join(" ")]),
		);
		const read = "200 400 401 403 404 429 500 503";
		expect(listed).toEqual({
			"GET /docs": "200 400 403 500 503",
			"GET /healthz": "200 400 403 500 503",
			"GET /openapi.json": "200 400 403 500 503",
			"POST /v1/chat/completions": "200 400 401 403 404 409 413 415 422 429 500 502 503 504",
			"POST /v1/responses": "200 400 401 403 404 409 413 415 422 429 500 502 503 504",
			"GET /v1/chat/completions": "200 400 401 403 429 500 503",
			"GET /v1/chat/completions/{id}": "200 400 401 403 404 409 413 422 429 500 502 503 504",
			"POST /v1/chat/completions/{id}": "200 400 401 403 404 409 413 415 422 429 500 502 503 504",
			"DELETE /v1/chat/completions/{id}": "200 400 401 403 404 409 429 500 503",
			"GET /v1/chat/completions/{id}/messages": "200 400 401 403 404 429 500 503",
			"POST /v1/jobs": "200 202 400 401 403 409 413 415 422 429 500 503",
			"GET /v1/jobs": "200 400 401 403 429 500 503",
			"GET /v1/jobs/{id}": "200 304 400 401 403 404 429 500 503",
			"DELETE /v1/jobs/{id}": "204 400 401 403 404 409 429 500 503",
			"GET /v1/jobs/{id}/result": "200 206 304 400 401 403 404 409 416 429 500 503",
			"GET /v1/jobs/{id}/input": "200 206 304 400 401 403 404 416 429 500 503",
			"GET /v1/jobs/{id}/attempts": read,
			"GET /v1/jobs/{id}/deliveries": read,
			"POST /v1/jobs/{id}/cancel": "200 400 401 403 404 413 415 429 500 503",
			"POST /v1/jobs/{id}/retry": "200 202 400 401 403 404 409 413 415 422 429 500 503",
			"POST /v1/jobs/{id}/redeliver": "202 400 401 403 404 413 415 429 500 503",
			"GET /v1/deliveries": "200 400 401 403 429 500 503",
			"GET /v1/deliveries/{id}": read,
			"POST /v1/deliveries/{id}/redeliver": "202 400 401 403 404 409 413 415 429 500 503",
			"POST /v1/webhook_endpoints": "201 400 401 403 409 413 415 429 500 503",
			"GET /v1/webhook_endpoints": "200 400 401 403 429 500 503",
			"GET /v1/webhook_endpoints/{id}": read,
			"POST /v1/webhook_endpoints/{id}": "200 400 401 403 404 413 415 429 500 503",
			"DELETE /v1/webhook_endpoints/{id}": read,
			"GET /v1/webhook_endpoints/{id}/deliveries": read,
			"POST /v1/webhook_endpoints/{id}/enable": "200 400 401 403 404 413 415 429 500 503",
			"POST /v1/webhook_endpoints/{id}/recover": "202 400 401 403 404 409 413 415 429 500 503",
			"POST /v1/webhook_endpoints/{id}/rotate_secret": "200 400 401 403 404 413 415 429 500 503",
			"POST /v1/webhook_endpoints/{id}/test": "200 400 401 403 404 409 413 415 429 500 503",
			"GET /v1/webhook_event_types": "200 400 401 403 429 500 503",
			"GET /v1/webhook_signing_secret": "200 400 401 403 429 500 503",
			"POST /v1/webhook_signing_secret/rotate": "200 400 401 403 413 415 429 500 503",
			"GET /v1/session": "200 400 401 403 429 500 503",
			"POST /v1/session": "201 400 401 403 413 415 429 500 503",
			"DELETE /v1/session": "204 400 403 500 503",
			"POST /v1/keys": "201 400 401 403 409 413 415 429 500 503",
			"GET /v1/keys": "200 400 401 403 429 500 503",
			"GET /v1/keys/{id}": read,
			"DELETE /v1/keys/{id}": "204 400 401 403 404 429 500 503",
			"GET /v1/audit_log": "200 400 401 403 429 500 503",
			"GET /v1/admin/tenants/{id}/audit_log": "200 400 401 403 404 429 500 503",
			"GET /v1/usage": "200 400 401 403 429 500 503",
			"GET /v1/backlog": "200 400 401 403 429 500 503",
			"GET /v1/stats": "200 400 401 403 429 500 503",
			"GET /v1/models": "200 400 401 403 429 500 503",
			"GET /v1/models/{id}": read,
			"GET /v1/admin/session": "200 400 401 403 429 500 503",
			"POST /v1/admin/session": "201 400 401 403 413 415 429 500 503",
			"DELETE /v1/admin/session": "204 400 403 500 503",
			"POST /v1/admin/tenants": "201 400 401 403 413 415 429 500 503",
			"GET /v1/admin/tenants": "200 400 401 403 429 500 503",
			"GET /v1/admin/tenants/{id}": "200 400 401 403 404 429 500 503",
			"PATCH /v1/admin/tenants/{id}": "200 400 401 403 404 413 415 429 500 503",
			"DELETE /v1/admin/tenants/{id}": "204 400 401 403 404 429 500 503",
			"POST /v1/admin/tenants/{id}/keys": "201 400 401 403 404 409 413 415 429 500 503",
			"GET /v1/admin/tenants/{id}/keys": "200 400 401 403 404 429 500 503",
			"DELETE /v1/admin/keys/{id}": "204 400 401 403 404 429 500 503",
			"GET /v1/admin/status": "200 400 401 403 429 500 503",
		});
	});

	it("gives each operation a name of its own", () => {
		const names = operations.map(({ operation }) => operation.operationId);
		expect(new Set(names).size).toBe(operations.length);
	});

	it("describes the parts of a job that may be included, and the input as it is submitted and as it is stored", () => {
		const parts = schemaAt("components", "schemas", "Job", "properties", "attempts");
		expect(parts([{ number: 1 }])).toBe(false);
		const { Job, SubmitJob } = z.record(z.string(), z.looseObject({ properties: z.looseObject({}) })).parse({
			Job: description.components.schemas.Job,
			SubmitJob: description.components.schemas.SubmitJob,
		});
		const items = (name: string) => ({ type: "array", items: { $ref: `#/components/schemas/${name}` } });
		expect(Job?.properties).toMatchObject({ attempts: items("Attempt"), deliveries: items("Delivery") });
		for (const [schema, name] of [
			[Job, "StoredInput"],
			[SubmitJob, "ChatInput"],
		] as const)
			expect(JSON.stringify(schema?.properties.input)).toContain(`{"$ref":"#/components/schemas/${name}"}`);
	});

	it("says who may call what, with which scope", () => {
		const isOpen = (name: string, path: string) =>
			!path.startsWith("/v1/") || /^(POST|DELETE) \/v1\/(admin\/)?session$/.test(name);
		const scoped = operations.filter(({ name, path }) => !isOpen(name, path) && !path.startsWith("/v1/admin"));
		for (const { name, operation } of scoped) {
			const { data } = z
				.array(z.looseObject({ key: z.array(z.enum(SCOPES)).min(name.endsWith(" /v1/session") ? 0 : 1) }))
				.safeParse(operation.security?.slice(0, 1));
			expect(data, name).toHaveLength(1);
			const links = name === "GET /v1/jobs/{id}/result" ? [{}] : [];
			expect(operation.security?.slice(1), name).toEqual([{ session: data?.[0]?.key }, ...links]);
		}
		for (const { name, path, operation } of operations) {
			if (isOpen(name, path)) expect(operation.security, path).toEqual([]);
			else if (path.startsWith("/v1/admin"))
				expect(operation.security, path).toEqual([{ admin: [] }, { operator: [] }]);
		}
		expect(description.security).toEqual([{ key: [] }, { session: [] }]);
		const cookie = { type: "apiKey", in: "cookie" };
		expect(description.components.securitySchemes).toMatchObject({
			key: { type: "http", scheme: "bearer", description: "An API key of a tenant." },
			admin: { type: "http", scheme: "bearer", description: expect.stringContaining("ADMIN_TOKEN") },
			session: { ...cookie, name: "__Host-holdfast", description: expect.stringContaining("`POST /v1/session`") },
			operator: {
				...cookie,
				name: "__Host-holdfast-operator",
				description: expect.stringContaining("`POST /v1/admin/session`"),
			},
		});
	});

	it("declares each parameter of a path, once each", () => {
		for (const { name, path, operation } of operations) {
			const inPath = operation.parameters.filter((parameter) => parameter.in === "path");
			expect(
				inPath.map((parameter) => `{${parameter.name}}`),
				name,
			).toEqual(path.match(/\{\w+\}/g) ?? []);
			for (const parameter of inPath) expect(parameter.required, name).toBe(true);
			const all = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
			expect(new Set(all).size, name).toBe(all.length);
		}
	});

	it("holds valid JSON Schemas only, whose references all lead somewhere", () => {
		for (const name of Object.keys(description.components.schemas)) schemaAt("components", "schemas", name);
		for (const { name, path, operation } of operations) {
			const method = name.slice(0, name.indexOf(" ")).toLowerCase();
			if (operation.requestBody)
				schemaAt("paths", path, method, "requestBody", "content", "application/json", "schema");
			for (const [status, { content }] of Object.entries(operation.responses)) {
				for (const type of Object.keys(content ?? {}))
					schemaAt("paths", path, method, "responses", status, "content", type, "schema");
				if (Number(status) >= 400)
					expect(content?.["application/json"]?.schema).toEqual({ $ref: "#/components/schemas/Error" });
			}
			operation.parameters.forEach((_, at) => void schemaAt("paths", path, method, "parameters", String(at), "schema"));
		}
	});

	const input = { messages: [{ role: "user", content: "Why?" }] };
	it.each<[unknown, boolean]>([
		[{ input }, true],
		[{ input: { ...input, anything: [1], temperature: 2 } }, true],
		[{ input, model: ["a", "b"], webhook: { url: "https://a.example.com" }, gateway: {}, metadata: { a: "b" } }, true],
		[{ input, webhook: { url: "https://a.example.com", events: ["job.*", "job.started"], payload: "thin" } }, true],
		[{ input, run_at: "2026-01-02T03:04:05Z", priority: 9, max_attempts: 20, timeout_seconds: 1.5 }, true],
		[{}, false],
		[{ input: {} }, false],
		[{ input: { messages: [{ role: "root", content: "" }] } }, false],
		[{ input: { messages: [{ role: "user", content: 1 }] } }, false],
		[{ input: { ...input, temperature: 2.1 } }, false],
		[{ input: { ...input, max_tokens: 0 } }, false],
		[{ input: { ...input, stream_options: { x: 1 } } }, false],
		[{ input, x: 1 }, false],
		[{ input, model: [] }, false],
		[{ input, model: ["a", "b", "c", "d", "e"] }, false],
		[{ input, webhook: { url: "https://a.example.com", x: 1 } }, false],
		[{ input, webhook: { url: "https://a.example.com", events: ["x"] } }, false],
		[{ input, webhook: { url: "https://a.example.com", events: ["endpoint.disabled"] } }, false],
		[{ input, priority: 1.5 }, false],
		[{ input, metadata: Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`k${at}`, ""])) }, false],
		[{ input, metadata: { a: 1 } }, false],
		[{ input, metadata: { ["k".repeat(65)]: "" } }, false],
		[{ input, timeout_seconds: 781 }, false],
		[{ input, retain_seconds: null }, false],
	])("describes a submission as it is validated, number %#", (body, isGood) => {
		const validate = schemaAt("paths", "/v1/jobs", "post", "requestBody", "content", "application/json", "schema");
		expect([validate(body), SubmitJob.safeParse(body).success]).toEqual([isGood, isGood]);
	});

	const endpoint = { name: "crm", url: "https://a.example.com", event_types: ["job.succeeded"] };
	it.each<[unknown, boolean, boolean]>([
		[endpoint, true, true],
		[{ ...endpoint, event_types: ["job.*", "endpoint.*", "job.failed"], payload: "thin" }, true, true],
		[{ ...endpoint, name: "n".repeat(256) }, true, true],
		[{}, false, true],
		[{ ...endpoint, event_types: [] }, false, false],
		[{ ...endpoint, event_types: ["*"] }, false, false],
		[{ ...endpoint, event_types: ["job.failed", "job.failed"] }, false, false],
		[{ ...endpoint, event_types: "job.failed" }, false, false],
		[{ ...endpoint, name: "" }, false, false],
		[{ ...endpoint, name: "n".repeat(257) }, false, false],
		[{ ...endpoint, payload: null }, false, false],
		[{ ...endpoint, status: "enabled" }, false, false],
	])("describes an endpoint, new and changed, as it is validated, number %#", (body, isNew, isChange) => {
		const validate = (path: string) =>
			schemaAt("paths", path, "post", "requestBody", "content", "application/json", "schema")(body);
		expect([validate("/v1/webhook_endpoints"), CreateEndpoint.safeParse(body).success]).toEqual([isNew, isNew]);
		const change = [validate("/v1/webhook_endpoints/{id}"), UpdateEndpoint.safeParse(body).success];
		expect(change).toEqual([isChange, isChange]);
	});
});
