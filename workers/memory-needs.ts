/**
 * How much memory a body, an input or an answer needs, as multiples of its size: measured with the worst of each size, in V8 of
 * Node 24 (test/node/workers/memory.test.ts). A single character beyond Latin-1 makes all text around it two bytes a character.
 */
import type { Scanned } from "../shared/core/json/strict-json.ts";
import { FREE_BYTES, type Need } from "../shared/core/memory-budget.ts";
import type { ProviderName } from "../shared/core/upstreams/model-routes.ts";

const NOTHING: Need = { held: 0, peak: 0 };

/** The bytes stay; while they are parsed, they may exist as text and as values too. */
const BODY: Need = { held: 1, peak: 4 };
/** Of text that is parsed: of each character, as text and again as values, and of each key and each value beside its characters. */
const CHAR_BYTES = 2;
const KEY_BYTES = 120;
const VALUE_BYTES = 24;

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

/** While a body is read and scanned. @param openKeys of the objects that have not ended yet */
export function needOfBody(bytes: number, openKeys: number): Need {
	const { held, peak } = times(BODY, bytes);
	return { held: held === 0 ? 0 : held + KEY_BYTES * openKeys, peak };
}

/** While the values of a body are made from its text. They are kept as long as its bytes. @param bytes of the body */
export function needOfParsing(bytes: number, { chars, keys, values }: Scanned): Need {
	const { held } = times(BODY, bytes);
	if (held === 0) return NOTHING;
	const text = CHAR_BYTES * chars;
	return { held: held + text + KEY_BYTES * keys + VALUE_BYTES * values, peak: text };
}

export function needOfInput(provider: ProviderName, bytes: number): Need {
	return times(INPUT[provider], bytes);
}

/** An input that is translated is parsed, and serialized as another one, whichever provider gets it. */
export function needOfTranslation(bytes: number): Need {
	return times(INPUT["workers-ai"], bytes);
}

/** @param input what the input of the same call needs */
export function withAnswer(input: Need, chars: number): Need {
	const answer = times(ANSWER, chars);
	return { held: input.held + answer.held, peak: Math.max(input.peak, answer.peak) };
}

function times({ held, peak }: Need, size: number): Need {
	return size <= FREE_BYTES ? NOTHING : { held: held * size, peak: peak * size };
}
