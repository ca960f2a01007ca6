import { describe, expect, it } from "vitest";
import { JsonBody } from "../../../../../shared/core/json/json-body.ts";
import { isSnapshot, readSnapshot, snapshotOf } from "../../../../../shared/core/responses/snapshot.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const CONTEXT = [{ id: "a", type: "message", role: "user", content: [] }];

describe("a snapshot", () => {
	it.each([
		["with what the request refers to", new Map([["b", { id: "b", type: "reasoning", summary: [] }]])],
		["without references", new Map()],
	])("is read as it was made, %s", (_, referenced) => {
		const body = new JsonBody(snapshotOf(bytesOf('{"input":"Hi"}'), { context: CONTEXT, referenced }));
		expect(isSnapshot(body)).toBe(true);
		expect(readSnapshot(body)).toEqual({ request: { input: "Hi" }, context: CONTEXT, referenced });
	});

	it("keeps the bytes of the request", () => {
		const request = '{ "input" : "\\u0048i", "temperature": 1.0 }';
		const bytes = snapshotOf(bytesOf(request), { context: [], referenced: new Map() });
		expect(new TextDecoder().decode(bytes)).toBe(`{"request":${request},"context":[]}`);
	});

	it("is not taken for a chat completion, nor the other way round", () => {
		expect(isSnapshot(new JsonBody(bytesOf('{"messages":[],"request":{}}')))).toBe(false);
	});
});
