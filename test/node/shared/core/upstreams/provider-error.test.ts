import { describe, expect, it } from "vitest";
import type { Json } from "../../../../../shared/core/json/json.ts";
import { classifyFailure } from "../../../../../shared/core/upstreams/classify-failure.ts";
import {
	memberRefusalOf,
	readProviderError,
	refusedMember,
} from "../../../../../shared/core/upstreams/provider-error.ts";

const invalid = (msg: string) => ({
	type: "extra_forbidden",
	loc: ["body", "seed"],
	msg,
	input: "the prompt",
	ctx: { of: "it" },
});

describe("a provider's sentence", () => {
	it.each<[string, Json]>([
		["under message as an object", { error: { message: { text: 1, message: "Too hot." } } }],
		["under message as a list", { message: ["Too hot."] }],
		["under message as a list of objects", { error: { message: [invalid("Too hot.")] } }],
		[
			"under message.detail[]",
			{ object: "error", message: { detail: [invalid("Too hot.")] }, type: "invalid_request_error" },
		],
		["under message.error.message", { message: { error: { message: "Too hot." } } }],
		["under detail[]", { detail: [invalid("Too hot.")] }],
		["under detail as an object", { detail: { error: { message: "Too hot." }, input: "the prompt" } }],
		["under detail as a list of words", { detail: ["Too hot."] }],
		["under errors as a list of words", { errors: ["Too hot."] }],
		["as JSON in a message", { error: { message: '{"error":{"message":"Too hot.","param":"the prompt"}}' } }],
		["as JSON in an error", { error: '[{"msg":"Too hot."}]' }],
		["under error_description", { error: "invalid_request", error_description: "Too hot." }],
		["as a problem's detail", { type: "about:blank", title: "Bad Request", status: 400, detail: "Too hot." }],
		["as a problem's title", { type: "about:blank", title: "Too hot.", status: 400 }],
	])("is read %s, and nothing that it quotes of the request", (_, body) => {
		expect(readProviderError(body).message).toBe("Too hot.");
	});

	it("is made of three at most, each once, with the member that each is about where they are listed by it", () => {
		expect(readProviderError({ detail: ["A b.", "C d.", "A b.", "E f.", "G h."].map(invalid) }).message).toBe(
			"A b. C d. E f.",
		);
		expect(readProviderError({ temperature: ["Must be at most 2."], tags: ["x"] }).message).toBe(
			"temperature: Must be at most 2.",
		);
	});

	it.each(["extra field ", "batch size "])("is read in no time that grows with its square: %s", (words) => {
		const before = process.threadCpuUsage();
		const body = { error: { message: `${words.repeat(20_000)}:` } };
		const refusal = memberRefusalOf(400, body);
		if (refusal !== null) refusedMember(refusal);
		classifyFailure({
			...{ provider: "workers-ai", status: 400, header: () => null, body, nowMs: 0, withoutInput: String },
		});
		const spent = process.threadCpuUsage(before);
		expect((spent.user + spent.system) / 1_000).toBeLessThan(300);
	});

	it.each<[Json]>([
		[{}],
		[{ message: {} }],
		[{ message: [] }],
		[{ error: { message: null, code: 1 } }],
		[{ error: { message: "openai error: undefined", type: null }, provider: "openai" }],
		[{ error: "null" }],
		[{ message: "Error: [object Object]" }],
		[{ message: "<html>502</html>" }],

		[[[[[[["deep"]]]]]]],
	])("is null in %j", (body) => {
		expect(readProviderError(body).message).toBeNull();
	});
});

describe("the members that it names", () => {
	it.each<[Json, string[]]>([
		[{ error: { param: "stream" } }, ["stream"]],
		[{ detail: [{ loc: ["body", "tools", 0] }, { loc: ["body"] }] }, ["tools.0"]],
		[{ message: { detail: [{ loc: ["body", "stream_options"] }] } }, ["stream_options"]],
		[{ message: [{ path: ["stream"] }, { field: "seed" }] }, ["stream", "seed"]],
		[{ errors: [{ pointer: "#/stream_options/include_usage" }] }, ["stream_options.include_usage"]],
		[{ error: { details: [{ field: "$.stream" }], param: null } }, ["stream"]],
		[{ error: { message: { param: "store" } } }, ["store"]],
	])("in %j are %j", (body, places) => {
		expect(readProviderError(body).places).toEqual(places);
	});
});

it("has no words that only say that something failed", () => {
	for (const status of ["failure", "Failed", "fail", "error"])
		expect(readProviderError({ status, message: "Invalid config passed" })).toMatchObject({ words: [] });
});
