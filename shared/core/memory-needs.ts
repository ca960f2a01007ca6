/**
 * How much memory a body, an input or an answer needs, as multiples of its size: measured with the worst of each size, in V8 of
 * Node 24 (test/node/workers/memory.test.ts). A single character beyond Latin-1 makes all text around it two bytes a character.
 */
import { FREE_BYTES, type Need } from "./memory-budget.ts";
import type { ProviderName } from "./upstreams/model-routes.ts";

const NOTHING: Need = { held: 0, peak: 0 };

/** The bytes stay; while they are parsed they exist as text and as values too. */
const BODY: Need = { held: 1, peak: 4 };

const INPUT: Readonly<Record<ProviderName, Need>> = {
	// As they are, and as they are sent.
	"openai-compatible": { held: 2, peak: 0 },
	// The binding takes values, and serializes them: bytes, values, text and the bytes that are sent stay until the response ends.
	"workers-ai": { held: 6, peak: 2 },
	// Parsed for its parameters and its text.
	simulated: { held: 1, peak: 4 },
};

/** By characters: as text, as values, and as the text and the bytes that are stored. */
const ANSWER: Need = { held: 5, peak: 4 };

export function needOfBody(bytes: number): Need {
	return times(BODY, bytes);
}

export function needOfInput(provider: ProviderName, bytes: number): Need {
	return times(INPUT[provider], bytes);
}

/** @param input what the input of the same call needs */
export function withAnswer(input: Need, chars: number): Need {
	const answer = times(ANSWER, chars);
	return { held: input.held + answer.held, peak: Math.max(input.peak, answer.peak) };
}

function times({ held, peak }: Need, size: number): Need {
	return size <= FREE_BYTES ? NOTHING : { held: held * size, peak: peak * size };
}
