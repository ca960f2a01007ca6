/**
 * Requests, made of the API's own description: right ones, and ones that are wrong in a way. They are plain data, so that
 * a failure can be shrunk and printed; `$own:3` and its like stand for what exists only once the service runs.
 */
import fc from "fast-check";
import type { Json } from "../../shared/core/json/json.ts";
import { SCOPES, type Scope } from "../../shared/core/tenants/api-key.ts";
import type { ApiDescription, Operation, Parameter } from "../support/api-description.ts";
import { type Making, valuesOf } from "../support/values-of.ts";
import { alter, breakText, ODD_TEXTS, oddTexts } from "./odd.ts";
import { MEDIA_TYPES, METHODS, ODD_HEADERS, ODD_PATHS } from "./odd-requests.ts";

/** Two tenants with all scopes, the first with one scope alone, the operator, or a caller unknown to the service. */
export type Who = "a" | "b" | `a:${Scope}` | "admin" | "garbage" | "keyless";

export interface PlannedRequest {
	who: Who;
	method: string;
	/** As the description has it, with `{id}` filled in. */
	path: string;
	query: string;
	headers: Record<string, string>;
	body: string | Uint8Array<ArrayBuffer> | null;
}

/** A request, or time that passes: jobs are run, webhooks sent. */
export type Step = PlannedRequest | { waitMs: number };

const URLS = [
	"https://a.example.com/hook",
	"https://b.example.com:8443/",
	"http://localhost/",
	"https://10.0.0.1/",
	"x",
];
const MODELS = ["simulated/one", "simulated/two", "simulated/3", "unheard-of"];

/** Most are what the service takes, so that requests get past validation. */
const HINTS: Record<string, fc.Arbitrary<Json>> = {
	url: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...URLS.slice(0, 2)) }, fc.constantFrom(...URLS)),
	content: fc.constantFrom("why $canary", "p2 why", "p3 $canary"),
	name: fc.constantFrom("$canary", "crm", "x".repeat(200)),
	model: fc.constantFrom(...MODELS),
	status: fc.constantFrom("failed,expired", "queued", "succeeded", "done"),
	include: fc.constantFrom("result", "input", "input,result,attempts,deliveries"),
};

export function stepsFor(api: ApiDescription): fc.Arbitrary<Step> {
	const making: Making = { refer: api.refer, isLeast: false, hints: HINTS };
	const requests = api.operations.map((operation) => ({
		weight: operation.headers.some(({ name }) => name === "idempotency-key") ? 30 : 10,
		arbitrary: requestsFor(operation, making),
	}));
	const unknown = fc.record({
		path: fc.constantFrom(...ODD_PATHS),
		method: fc.constantFrom(...METHODS),
		who: everybody,
	});
	return fc.oneof(
		...requests,
		{ weight: 6, arbitrary: unknown.map((one) => ({ ...one, query: "", headers: {}, body: null })) },
		{ weight: 6, arbitrary: fc.record({ waitMs: fc.constantFrom(100, 5_000, 120_000, 3_600_000) }) },
	);
}

const everybody: fc.Arbitrary<Who> = fc.constantFrom<Who[]>(
	"a",
	"b",
	"admin",
	"garbage",
	"keyless",
	...SCOPES.map((scope): Who => `a:${scope}`),
);

function requestsFor(operation: Operation, making: Making): fc.Arbitrary<PlannedRequest> {
	const proper: Who[] = operation.access === "admin" ? ["admin"] : ["a", "b"];
	return fc.record({
		who: mostly(fc.constantFrom(...proper), everybody),
		method: mostly(fc.constant(operation.method), fc.constantFrom(...METHODS), 20),
		path: ids.map((id) => operation.path.replace(/\{\w+\}/, id)),
		query: queriesFor(operation.query, making),
		headers: headersFor(operation),
		body: bodiesFor(operation, making),
	});
}

const ids = fc.oneof(
	{ weight: 12, arbitrary: fc.nat(20).map((at) => `$own:${at}`) },
	{ weight: 3, arbitrary: fc.nat(20).map((at) => `$foreign:${at}`) },
	{ weight: 2, arbitrary: fc.constant("$unknown") },
	{ weight: 2, arbitrary: oddTexts.map((text) => encodeURIComponent(text.toWellFormed()) || "%") },
	{ weight: 1, arbitrary: fc.constantFrom("%", "%ff", "%00", "%2e%2e", "%25", "a%2fb", ";", "~", "@", "$own:0%20") },
);

function queriesFor(parameters: Parameter[], making: Making): fc.Arbitrary<string> {
	const declared = parameters.map(({ name, schema }) =>
		(name === "after"
			? mostly(
					fc.nat(20).map((at) => `$own:${at}`),
					valuesOf(schema, making),
					3,
				)
			: valuesOf(schema, making, name)
		).map((value) => pair(name, String(value))),
	);
	const odd = fc.tuple(fc.constantFrom(...parameters.map(({ name }) => name), "x", "metadata[a]", ""), oddTexts);
	const more = fc.oneof(
		odd.map(([name, value]) => pair(name, value)),
		fc.constantFrom(
			"&&",
			"=",
			"%",
			"limit=1&limit=2",
			"%ff=%ff",
			"metadata[a]=$canary",
			"include=result,attempts,deliveries",
		),
	);
	const some = fc
		.subarray(declared.map((_, at) => at))
		.chain((places) => fc.tuple(...places.flatMap((at) => declared[at] ?? [])));
	return fc
		.tuple(some, fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(more) }))
		.map(([right, wrong]) => [...right, ...wrong].join("&"));
}

const pair = (name: string, value: string) =>
	`${encodeURIComponent(name)}=${value.startsWith("$") ? value : encodeURIComponent(value.toWellFormed())}`;

function headersFor({ headers, body }: Operation): fc.Arbitrary<Record<string, string>> {
	const type = mostly(fc.constant("application/json"), fc.constantFrom(...MEDIA_TYPES), 20);
	const declared = headers.map(({ name }) => {
		const values: fc.Arbitrary<Json> = DECLARED_HEADERS[name] ?? fc.string();
		return mostly(
			fc.constant({}),
			values.map((value) => ({ [name]: String(value) })),
			2,
		);
	});
	return fc
		.tuple(
			body === null ? fc.constant({}) : type.map((value) => ({ "content-type": value })),
			mostly(fc.constant({}), fc.constantFrom(...ODD_HEADERS), 8),
			...declared,
		)
		.map((parts) => Object.assign({}, ...parts));
}

/** Few, so that they meet again. */
const DECLARED_HEADERS: Record<string, fc.Arbitrary<Json>> = {
	"idempotency-key": fc.constantFrom("k1", "k2"),
	prefer: fc.constantFrom("wait=1", "wait=60"),
	range: fc.constantFrom("bytes=0-9", "bytes=5-", "bytes=-5", "bytes=9999999-"),
	"if-none-match": fc.constantFrom('"1"', '"3"', "*"),
};

function bodiesFor({ body }: Operation, making: Making): fc.Arbitrary<PlannedRequest["body"]> {
	if (body === null) return mostly(fc.constant(null), fc.constant("{}"), 20);
	const valid = valuesOf(body, making);
	const text = valid.map((value) => JSON.stringify(value));
	return fc.oneof(
		{ weight: 12, arbitrary: text },
		{ weight: 6, arbitrary: alter(valid).map((value) => JSON.stringify(value)) },
		{ weight: 2, arbitrary: breakText(text) },
		{ weight: 1, arbitrary: fc.constantFrom(null, "", "null", "[]", "0", '"a"', "{", ...ODD_TEXTS) },
		{ weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => new Uint8Array(bytes)) },
	);
}

/** @param often how many of `usual` come for one of `other` */
function mostly<T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>, often = 9): fc.Arbitrary<T> {
	return fc.oneof({ weight: often, arbitrary: usual }, { weight: 1, arbitrary: other });
}
