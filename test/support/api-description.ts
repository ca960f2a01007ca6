/** The API as `/openapi.json` describes it, for tests that go through all of it: a new route is in them by itself. */
import { z } from "zod";
import { SCOPES, type Scope } from "../../shared/core/tenants/api-key.ts";
import { api } from "../../workers/intake/api.ts";

export type JsonSchema = Record<string, unknown>;

export interface Operation {
	id: string;
	/** Such as `POST /v1/jobs`. */
	name: string;
	method: string;
	path: string;
	/** Matches the path of a URL. */
	pattern: RegExp;
	/** What the key must be allowed, that any key will do, or that it must be the operator's; null: no key is needed. */
	access: Scope | "key" | "admin" | null;
	/** All that the key must be allowed. */
	scopes: Scope[];
	/** A signed link does as well. */
	takesLinks: boolean;
	query: Parameter[];
	headers: Parameter[];
	/** Null: it takes none. */
	body: JsonSchema | null;
	/** By status: the schema of each media type. */
	responses: Record<string, Record<string, JsonSchema>>;
}

export interface Parameter {
	name: string;
	schema: JsonSchema;
}

export interface ApiDescription {
	document: JsonSchema;
	operations: Operation[];
	/** What a `$ref` points at. */
	refer(ref: string): JsonSchema;
}

const Content = z.record(z.string(), z.object({ schema: z.looseObject({}) }));

const Described = z.object({
	operationId: z.string(),
	security: z.array(z.looseObject({ key: z.array(z.enum(SCOPES)).optional(), admin: z.array(z.never()).optional() })),
	parameters: z.array(z.object({ name: z.string(), in: z.string(), schema: z.looseObject({}) })).default([]),
	requestBody: z.object({ content: Content }).optional(),
	responses: z.record(z.string(), z.object({ content: Content.default({}) })),
});

const Document = z.looseObject({
	paths: z.record(z.string(), z.record(z.string(), Described)),
	components: z.looseObject({ schemas: z.record(z.string(), z.looseObject({})) }),
});

/** The description needs none, but for who may read it. */
export const WITHOUT_SERVICES = {
	requestId: "req_1",
	services: { config: { corsOrigins: [] }, runtime: { now: () => 0 } },
};

export async function describeApi(): Promise<ApiDescription> {
	const answer = await api.fetch(new Request("https://jobs.test/openapi.json"), WITHOUT_SERVICES);
	const document = Document.parse(await answer.json());
	return {
		document,
		operations: Object.entries(document.paths).flatMap(([path, item]) =>
			Object.entries(item).map(([method, described]) => operationOf(method.toUpperCase(), path, described)),
		),
		refer: (ref) => document.components.schemas[ref.slice("#/components/schemas/".length)] ?? {},
	};
}

function operationOf(method: string, path: string, described: z.infer<typeof Described>): Operation {
	const { security, parameters, requestBody, responses } = described;
	const parametersIn = (place: string) => parameters.filter((parameter) => parameter.in === place);
	return {
		id: described.operationId,
		name: `${method} ${path}`,
		method,
		path,
		pattern: new RegExp(
			`^${path.replaceAll(".", "\\.").replace(/\{\w+\}/g, path === "/v1/models/{id}" ? ".+" : "[^/]+")}$`,
		),
		access: accessOf(security[0] ?? {}),
		scopes: security[0]?.key ?? [],
		takesLinks: security.some((way) => Object.keys(way).length === 0),
		query: parametersIn("query"),
		headers: parametersIn("header"),
		body: requestBody?.content["application/json"]?.schema ?? null,
		responses: Object.fromEntries(
			Object.entries(responses).map(([status, { content }]) => [
				status,
				Object.fromEntries(Object.entries(content).map(([type, { schema }]) => [type, schema])),
			]),
		),
	};
}

function accessOf(required: { key?: Scope[] | undefined; admin?: never[] | undefined }): Operation["access"] {
	if (required.admin !== undefined) return "admin";
	return required.key === undefined ? null : (required.key[0] ?? "key");
}

/** What answers `method` on the path of a URL; HEAD is GET's. Null: nothing does. */
export function operationAt({ operations }: ApiDescription, method: string, pathname: string): Operation | null {
	const asked = method === "HEAD" ? "GET" : method;
	return operations.find((one) => one.method === asked && one.pattern.test(pathname)) ?? null;
}

/** What kind of thing the id of a path names: `jobs` in `/v1/jobs/{id}/result`. Null: the path has no id. */
export function kindNamedIn(path: string): string | null {
	return /\/(\w+)\/\{\w+\}/.exec(path)?.[1] ?? null;
}
