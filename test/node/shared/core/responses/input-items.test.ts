import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../../shared/core/json/json.ts";
import { contextAfter, inputItems, missingReferences } from "../../../../../shared/core/responses/input-items.ts";

const question = (id: string, text: string): JsonObject => ({
	id,
	type: "message",
	role: "user",
	status: "completed",
	content: [{ type: "input_text", text }],
});
const NONE = { context: [], referenced: new Map<string, JsonObject>() };

describe("the items of an input", () => {
	it("are named after their place, each time alike", () => {
		const request = {
			input: [
				{ role: "user", content: "A" },
				{ type: "reasoning", summary: [] },
			],
		};
		const items = [question("msg_u_i0", "A"), { type: "reasoning", summary: [], id: "msg_u_i1" }];
		expect(inputItems({ ...NONE, request }, "u")).toEqual(items);
		expect(inputItems({ ...NONE, request }, "u")).toEqual(items);
	});

	it("keep the ids that the caller gave, unless one is repeated", () => {
		const request = { input: [question("a", "A"), question("a", "B")] };
		expect(inputItems({ ...NONE, request }, "u")).toEqual([question("a", "A"), question("msg_u_i1", "B")]);
	});

	it("are one message for a text, and none for no text", () => {
		expect(inputItems({ ...NONE, request: { input: "A" } }, "u")).toEqual([question("msg_u_i0", "A")]);
		expect(inputItems({ ...NONE, request: {} }, "u")).toEqual([]);
	});

	it("have an assistant's text as its own output", () => {
		const request = { input: [{ role: "assistant", content: "A" }] };
		expect(inputItems({ ...NONE, request }, "u")).toMatchObject([
			{ role: "assistant", content: [{ type: "output_text", text: "A", annotations: [] }] },
		]);
	});

	it("follow those of the Responses before, which are the next one's context with the answer", () => {
		const context = [question("a", "A")];
		const answer = question("c", "C");
		const input = { ...NONE, request: { input: "B" }, context };
		expect(inputItems(input, "u")).toEqual([...context, question("msg_u_i0", "B")]);
		expect(contextAfter(input, "u", [answer])).toEqual([...context, question("msg_u_i0", "B"), answer]);
	});

	it("are found in place of references, and not repeated where the context has them", () => {
		const context = [question("a", "A")];
		const request = { input: [{ type: "item_reference", id: "a" }, { id: "b" }, { type: "item_reference", id: "b" }] };
		expect(missingReferences(request, context)).toEqual(["b"]);
		const referenced = new Map([["b", question("b", "B")]]);
		expect(inputItems({ request, context, referenced }, "u")).toEqual([...context, question("b", "B")]);
	});
});
