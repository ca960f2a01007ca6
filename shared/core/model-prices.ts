/** What calls cost: `MODEL_PRICES`, parsed once, first match wins. */
import { z } from "zod";
import type { Usage } from "./upstreams/failures.ts";
import { ModelName, matches } from "./upstreams/model-routes.ts";

const price = z.number({ error: "must be a number of dollars per million tokens" }).min(0);

export const ModelPricesSchema = z.array(
	z.strictObject({
		/** A model name in which `*` stands for any run of characters. */
		match: ModelName,
		/** Dollars per million tokens of the input, and of the output. */
		input: price,
		output: price,
	}),
);

export type ModelPrices = z.infer<typeof ModelPricesSchema>;

const MILLION = 1_000_000;
/** So that sums of fractions read well. */
const DECIMALS = 8;

/** In dollars. Null: the model has no price, or the tokens are not known to be of the input or the output. */
export function costOf(
	prices: ModelPrices,
	model: string,
	usage: Pick<Usage, "promptTokens" | "completionTokens" | "totalTokens">,
): number | null {
	const price = prices.find(({ match }) => matches(match, model));
	if (price === undefined || (usage.totalTokens > 0 && usage.promptTokens + usage.completionTokens === 0)) return null;
	return rounded((usage.promptTokens * price.input + usage.completionTokens * price.output) / MILLION);
}

export function rounded(dollars: number): number {
	return Number(dollars.toFixed(DECIMALS));
}
