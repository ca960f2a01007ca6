import { expect, it } from "vitest";
import { costOf } from "../../../../shared/core/model-prices.ts";

const prices = [{ match: "a*", input: 1, output: 2 }];
const used = (promptTokens: number, completionTokens: number, totalTokens: number) => ({
	promptTokens,
	completionTokens,
	totalTokens,
});

it("a cost is the first matching price of input and output, and unknown without a price or without their counts", () => {
	expect(costOf(prices, "ab", used(1_000, 500, 1_500))).toBe(0.002);
	expect(costOf(prices, "ab", used(0, 0, 0))).toBe(0);
	expect(costOf(prices, "ab", used(0, 0, 500))).toBeNull();
	expect(costOf(prices, "b", used(1, 1, 2))).toBeNull();
});
