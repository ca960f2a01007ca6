/** What a call may use at most, before it is made: for tenants with a limit of tokens a day. */

/** English has about four bytes a token. Other languages have more bytes in each. */
export const BYTES_PER_TOKEN = 4;
/** Of a request that sets no `max_tokens`: the most that many models give. */
export const COMPLETION_TOKENS = 4_096;
/** No model gives more. A caller may write any number. */
const TOKENS_MAX = 1_000_000_000;

/** @param fieldOf the body of a chat completion, of `inputBytes` */
export function estimateTokens(inputBytes: number, fieldOf: (name: string) => unknown): number {
	const count = (name: string, otherwise: number) => {
		const value = fieldOf(name);
		return typeof value === "number" && value > 0 ? Math.ceil(value) : otherwise;
	};
	const perChoice = count("max_completion_tokens", count("max_tokens", COMPLETION_TOKENS));
	return Math.min(promptTokens(inputBytes) + count("n", 1) * perChoice, TOKENS_MAX);
}

export function promptTokens(inputBytes: number): number {
	return Math.ceil(inputBytes / BYTES_PER_TOKEN);
}
