import { describe, expect, it } from "vitest";
import { readUsage, usageFields } from "../../../../../shared/core/chat/token-usage.ts";

const counts = (promptTokens: number, completionTokens: number, totalTokens: number) => ({
	promptTokens,
	completionTokens,
	totalTokens,
});

describe("readUsage", () => {
	it("reads the names of OpenAI and Workers AI", () => {
		expect(readUsage({ prompt_tokens: 3, completion_tokens: 4, total_tokens: 9 })).toEqual(counts(3, 4, 9));
	});

	it("reads Anthropic's names, with the cached part of the prompt", () => {
		const usage = { input_tokens: 1, cache_creation_input_tokens: 20, cache_read_input_tokens: 300, output_tokens: 5 };
		expect(readUsage(usage)).toEqual(counts(321, 5, 326));
	});

	it("reads Gemini's names, thoughts counting as completion", () => {
		const usage = { promptTokenCount: 7, candidatesTokenCount: 2, thoughtsTokenCount: 30, totalTokenCount: 39 };
		expect(readUsage(usage)).toEqual(counts(7, 32, 39));
	});

	it("adds up a total that the provider leaves to the reader", () => {
		expect(readUsage({ prompt_tokens: 3, completion_tokens: 4 })).toEqual(counts(3, 4, 7));
	});

	it.each([
		["missing", undefined],
		["null", null],
		["empty", {}],
		["half there", { prompt_tokens: 3, total_tokens: 5 }],
		["negative", { prompt_tokens: -1, completion_tokens: 4, total_tokens: 3 }],
		["negative in total", { prompt_tokens: 1, completion_tokens: 4, total_tokens: -5 }],
		["fractional", { prompt_tokens: 1.5, completion_tokens: 4, total_tokens: 5 }],
		["beyond all sense", { prompt_tokens: 1e300, completion_tokens: 4, total_tokens: 5 }],
		["text", { prompt_tokens: "1", completion_tokens: "4", total_tokens: "5" }],
		["a list", [1, 2, 3]],
	])("never invents usage that is %s", (_, usage) => {
		expect(readUsage(usage)).toBe(null);
		expect(usageFields(usage)).toBe(null);
	});
});

describe("usageFields", () => {
	it("keeps what else the provider counted", () => {
		const usage = {
			prompt_tokens: 3,
			completion_tokens: 4,
			total_tokens: 7,
			completion_tokens_details: { reasoning_tokens: 2 },
		};
		expect(usageFields(usage)).toEqual(usage);
	});
});
