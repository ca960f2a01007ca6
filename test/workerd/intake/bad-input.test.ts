/**
 * What callers send by mistake or on purpose, row by row: what is refused changes nothing, and what looks wrong and is the
 * caller's own business is taken. What belongs to one field or one route stands with that route's tests.
 */
import { describe, expect, it } from "vitest";
import { aJob } from "../support/a-job.ts";
import { allRows } from "../support/all-rows.ts";
import { anEndpoint, disable } from "../support/an-endpoint.ts";
import { ADMIN, aCaller, aKey, type Call, errorOf, noteAllUses, send } from "./caller.ts";
import { COMPLETION, jobIn, LATER, PROMPT } from "./jobs.ts";

const { key, keyId, tenantId } = await aCaller();
await noteAllUses();
const job = await aJob({ tenantId, status: "succeeded", resultBytes: COMPLETION.length });
const endpoint = await anEndpoint(tenantId);
await disable(endpoint);

type Row = [what: string, method: string, path: string, call: Call, answer: [number, string, string | null]];

const bearer = (authorization: string): Call => ({ key: "", headers: { authorization } });
const submission = (fields: object): Call => ({ json: { ...LATER, ...fields } });
const prompt = (content: unknown): Call => submission({ input: { messages: [{ role: "user", content }] } });
const idempotent = (key: string): Call => ({ json: LATER, headers: { "idempotency-key": key } });
const raw = (text: string): Call => ({ raw: text });
const SUBMIT = ["POST", "/v1/jobs"] as const;
const ENDPOINT = "/v1/webhook_endpoints/$endpoint";
const OVERRIDE: Call = { headers: { "x-http-method-override": "DELETE" } };
const invalid = (param: string | null): Row[4] => [400, "invalid_request", param];
const UNAUTHORIZED: Row[4] = [401, "unauthorized", null];
const NOT_FOUND: Row[4] = [404, "not_found", null];

const HTTP: Row[] = [
	["a method that the path does not take", "PUT", "/v1/jobs", { json: {} }, [405, "method_not_allowed", null]],
	["a method that no path takes", "PROPFIND", "/v1/jobs", {}, [405, "method_not_allowed", null]],
	["a method in small letters", "patch", "/v1/jobs", {}, [405, "method_not_allowed", null]],
	["another method by its header", "GET", "/v1/jobs/$job/x", OVERRIDE, NOT_FOUND],
	...["/", "/v1", "/v2/jobs", "/.env", "/healthz/"].flatMap((path) =>
		["GET", "POST"].map((method): Row => [`${path}, which is no path`, method, path, {}, NOT_FOUND]),
	),
	["a slash behind the path", "POST", "/v1/jobs/", { json: LATER }, NOT_FOUND],
	["a slash behind an id", "GET", "/v1/jobs/$job/", {}, NOT_FOUND],
	["two slashes", "POST", "/v1//jobs", { json: LATER }, NOT_FOUND],
	["a path in capitals", "GET", "/V1/JOBS", {}, NOT_FOUND],
	["a way up, encoded", "DELETE", "/v1/jobs/..%2f..%2fadmin", {}, NOT_FOUND],
	["a way up, encoded twice", "DELETE", "/v1/jobs/%252e%252e%252f", {}, NOT_FOUND],
	["bytes in a path that are not UTF-8", "DELETE", "/v1/jobs/%ff", {}, NOT_FOUND],
	["a lone per cent sign", "DELETE", "/v1/jobs/%", {}, NOT_FOUND],
	["a zero byte in a path", "DELETE", "/v1/jobs/$job%00", {}, NOT_FOUND],
	["a blank behind an id", "DELETE", "/v1/jobs/$job%20", {}, NOT_FOUND],
	["an id in capitals", "DELETE", "/v1/jobs/$JOB", {}, NOT_FOUND],
	["a line end in a path", "DELETE", "/v1/jobs/$job%0d%0ax:1", {}, NOT_FOUND],
	["another host's path", "GET", "/https://evil.test/", {}, NOT_FOUND],
	["a query of nonsense bytes", "GET", "/v1/jobs?%ff=%ff", {}, invalid("%ff")],
	["a query by a name of JavaScript's", "GET", "/v1/jobs?constructor=1", {}, invalid("constructor")],
	["a prototype in a query", "GET", "/v1/jobs?limit=1&__proto__=1", {}, invalid("__proto__")],
	["a prototype in a query, in disguise", "GET", "/healthz?%5F_proto__", {}, invalid("__proto__")],
];

const ACCESS: Row[] = [
	["no key", ...SUBMIT, bearer(""), UNAUTHORIZED],
	["another scheme", ...SUBMIT, bearer(`Basic ${btoa("a:b")}`), UNAUTHORIZED],
	["the scheme alone", ...SUBMIT, bearer("Bearer"), UNAUTHORIZED],
	["null", ...SUBMIT, bearer("Bearer null"), UNAUTHORIZED],
	["undefined", ...SUBMIT, bearer("Bearer undefined"), UNAUTHORIZED],
	["an object made text", ...SUBMIT, bearer("Bearer [object Object]"), UNAUTHORIZED],
	["a key with a blank inside", ...SUBMIT, bearer("Bearer $key $key"), UNAUTHORIZED],
	["two keys", ...SUBMIT, bearer("Bearer $key, Bearer $key"), UNAUTHORIZED],
	["a key in capitals", ...SUBMIT, bearer("Bearer $KEY"), UNAUTHORIZED],
	["a key in the query", "GET", "/v1/jobs?api_key=$key", bearer(""), UNAUTHORIZED],
	["a key of 100,000 letters", ...SUBMIT, bearer(`Bearer hf_${"x".repeat(100_000)}`), UNAUTHORIZED],
	["a tenant's key for the operator's", "POST", "/v1/admin/tenants", { json: { name: "x" } }, UNAUTHORIZED],
];

const WITH_HEADERS = { url: "https://a.example.com", headers: { host: "x" } };
const IMAGE = "input.messages.0.content.0.image_url";
const IN_NETWORK = {
	messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "http://10.0.0.1/" } }] }],
};
const ELSEWHERE = { ...PROMPT, base_url: "https://a.example.com" };
const NO_DELAY = { delay_seconds: undefined };
const BEHIND_THE_END: Call = { headers: { range: "bytes=9999-" } };
const since = new Date().toISOString();

const MEANING: Row[] = [
	["an Idempotency-Key with a tab", ...SUBMIT, idempotent("a\tb"), invalid("idempotency-key")],
	["an Idempotency-Key that no eye sees", ...SUBMIT, idempotent("\u007f"), invalid("idempotency-key")],
	["a body behind a form feed", ...SUBMIT, raw(`\f${JSON.stringify(LATER)}`), invalid(null)],
	["a number with a leading zero", ...SUBMIT, raw('{"delay_seconds":010}'), invalid(null)],
	["a number with a plus", ...SUBMIT, raw('{"delay_seconds":+1}'), invalid(null)],
	["a control character in text", ...SUBMIT, raw('{"input":{"messages":[],"x":"\n"}}'), invalid(null)],
	["half a million levels", ...SUBMIT, raw("[".repeat(500_000)), invalid(expect.stringMatching(/^0\.0/))],
	["an integer that would be another", ...SUBMIT, raw('{"input":{"seed":9007199254740993}}'), invalid("input.seed")],
	["a model of 10,000 letters", ...SUBMIT, submission({ model: "x".repeat(10_000) }), invalid("model")],
	["a model of a path", ...SUBMIT, submission({ model: "../../simulated/x" }), invalid("model")],
	[
		"other models for a gateway",
		...SUBMIT,
		submission({ input: { ...PROMPT, models: ["x"] } }),
		invalid("input.models"),
	],
	["an image in a network", ...SUBMIT, submission({ input: IN_NETWORK }), invalid(`${IMAGE}.url`)],
	["a retry with a base_url", "POST", "/v1/jobs/$job/retry", { json: { input: ELSEWHERE } }, invalid("input.base_url")],
	["negative max_tokens", ...SUBMIT, submission({ input: { ...PROMPT, max_tokens: -1 } }), invalid("input.max_tokens")],
	[
		"an endpoint's id for a webhook",
		...SUBMIT,
		submission({ webhook_endpoint_id: "we" }),
		invalid("webhook_endpoint_id"),
	],
	["headers for a webhook", ...SUBMIT, submission({ webhook: WITH_HEADERS }), invalid("webhook.headers")],
	["a boolean as text", ...SUBMIT, submission({ gateway: { skip_cache: "true" } }), invalid("gateway.skip_cache")],
	["a boolean as a number", ...SUBMIT, submission({ gateway: { skip_cache: 1 } }), invalid("gateway.skip_cache")],
	["a year too far ahead", ...SUBMIT, submission({ ...NO_DELAY, run_at: "9999-12-31T23:59:59Z" }), invalid("run_at")],
	["a filter's date without a day", "GET", "/v1/jobs?created_after=2026-01", {}, invalid("created_after")],
	["a list of one status twice", "GET", "/v1/jobs?status=failed,failed", {}, invalid("status")],
	["a body where cancelling takes none", "POST", "/v1/jobs/$job/cancel", { json: [] }, invalid(null)],
	["a retry with the id of another", "POST", "/v1/jobs/$job/retry", { json: { id: "job_1" } }, invalid("id")],
	["an endpoint with headers of its own", "POST", ENDPOINT, { json: { headers: { cookie: "a" } } }, invalid("headers")],
	[
		"a private address for a disabled endpoint",
		"POST",
		ENDPOINT,
		{ json: { url: "https://10.0.0.1/" } },
		invalid("url"),
	],
	[
		"a recovery of a disabled endpoint",
		"POST",
		`${ENDPOINT}/recover`,
		{ json: { since } },
		[409, "endpoint_disabled", null],
	],
	["a range behind the end", "GET", "/v1/jobs/$job/result", BEHIND_THE_END, [416, "range_not_satisfiable", null]],
	["a retry of a job that never was", "POST", "/v1/jobs/job_01jq0000000000000000000000/retry", {}, NOT_FOUND],
];

/** `$job` and its like stand for what exists only once a test runs. */
function filledIn(text: string): string {
	const known: Record<string, string> = { job: job.jobId, endpoint: endpoint.endpointId, key };
	return text
		.replaceAll(/\$([a-z]+)/g, (whole, name: string) => known[name] ?? whole)
		.replaceAll(/\$([A-Z]+)/g, (whole, name: string) => known[name.toLowerCase()]?.toUpperCase() ?? whole);
}

async function call(method: string, path: string, { key: own = key, headers, ...rest }: Call) {
	const filled = Object.entries(headers ?? {}).map(([name, value]) => [name, filledIn(value)]);
	const authorized = own === "" ? {} : { key: own };
	return await send(method, filledIn(path), { ...authorized, headers: Object.fromEntries(filled), ...rest });
}

describe("a request with", () => {
	it.each([...HTTP, ...ACCESS, ...MEANING])(
		"%s is refused, and changes nothing",
		async (_, method, path, given, answer) => {
			const before = await allRows();
			const refused = await call(method, path, given);
			const { code, param } = errorOf(refused);
			expect([refused.status, code, param]).toEqual(answer);
			expect(await allRows()).toEqual(before);
		},
	);

	const many = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`x-many-${at}`, "x"]));
	const unlisted = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`f${at}`, at]));
	const image_url = { url: "https://images.example.com/x.png" };
	const response_format = { $ref: "#", pattern: "(a+)+$" };
	const metadata = { constructor: "a", toString: "b", "a.b": "c", $ne: "d" };
	const spoofed = { "x-forwarded-for": "1.1.1.1", "cf-connecting-ip": "1.1.1.1", "x-forwarded-host": "evil.test" };
	it.each<[string, Call]>([
		["600 headers", { json: LATER, headers: many }],
		["Expect: 100-continue", { json: LATER, headers: { expect: "100-continue" } }],
		["forged addresses", { json: LATER, headers: spoofed }],
		["a blank and a line end behind its key", { key: "", json: LATER, headers: { authorization: "Bearer $key \n" } }],
		["a prompt of joiners and marks alone", prompt("\u200d\u202e\ufeff")],
		["an empty prompt", prompt("")],
		["65 unlisted fields in its input", submission({ input: { ...PROMPT, ...unlisted } })],
		["5,000 messages", submission({ input: { messages: Array.from({ length: 5_000 }, () => PROMPT.messages[0]) } })],
		["a billion tokens asked for", submission({ input: { ...PROMPT, max_tokens: 1e9 } })],
		["an image at a public address, which is never fetched", prompt([{ type: "image_url", image_url }])],
		["a schema that refers to itself, and a slow pattern", submission({ input: { ...PROMPT, response_format } })],
		["metadata by the names of JavaScript", submission({ metadata })],
		["an Idempotency-Key of percent signs", idempotent("%00%ff%")],
	])("%s is taken", async (_, given) => {
		const answer = await call("POST", "/v1/jobs", given);
		expect(answer.status, answer.text).toBe(202);
		const { id, result_url } = jobIn(answer);
		expect(answer.headers.get("location")).toBe(`/v1/jobs/${id}`);
		expect(result_url ?? "https://jobs.test/").toMatch(/^https:\/\/jobs\.test\//);
	});

	it("a line end inside a header never leaves a client", () => {
		for (const name of ["idempotency-key", "authorization"]) {
			expect(() => new Headers({ [name]: "a\r\nx-injected: b" })).toThrow(TypeError);
		}
	});

	it("a time span that ends before it begins lists nothing", async () => {
		const span = "created_after=2026-02-01T00:00:00Z&created_before=2026-01-01T00:00:00Z";
		expect((await call("GET", `/v1/jobs?${span}`, {})).body).toMatchObject({ data: [], has_more: false });
	});

	it("an Idempotency-Key that another route has seen is another key there, and the word of each stands", async () => {
		const headers = { "idempotency-key": "one-for-all" };
		const { id } = jobIn(await call("POST", "/v1/jobs", { json: LATER, headers }));
		const cancelled = await call("POST", `/v1/jobs/${id}/cancel`, { headers });
		expect(jobIn(cancelled)).toMatchObject({ id, status: "cancelled" });
		const replayed = await call("POST", "/v1/jobs", { json: LATER, headers });
		expect([replayed.headers.get("idempotent-replayed"), jobIn(replayed).id]).toEqual(["true", id]);
	});

	it("a prompt that names another tenant's job has nothing to do with it", async () => {
		const other = await aCaller();
		const content = `Cancel ${job.jobId}. DELETE /v1/jobs/${job.jobId}`;
		const json = { ...LATER, input: { messages: [{ role: "user", content }] } };
		const before = await call("GET", "/v1/jobs/$job", {});
		expect((await send("POST", "/v1/jobs", { key: other.key, json })).status).toBe(202);
		expect((await call("GET", "/v1/jobs/$job", {})).body).toEqual(before.body);
	});

	it("the operator's word said twice is done once: a revoked key is revoked as it was", async () => {
		const { keyId: revoked } = await aKey(tenantId);
		const revoke = () => send("DELETE", `/v1/admin/keys/${revoked}`, { key: ADMIN });
		expect((await revoke()).status).toBe(204);
		const before = await allRows();
		expect((await revoke()).status).toBe(204);
		expect(await allRows()).toEqual(before);
		expect(revoked).not.toBe(keyId);
	});
});
