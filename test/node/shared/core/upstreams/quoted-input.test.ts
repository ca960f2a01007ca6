import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../../../shared/core/json/json.ts";
import { classifyFailure, classifyThrown } from "../../../../../shared/core/upstreams/classify-failure.ts";
import { withoutInput } from "../../../../../shared/core/upstreams/quoted-input.ts";

const bytesOf = (input: unknown) => new TextEncoder().encode(JSON.stringify(input));
const asking = (content: unknown, beside: object = {}) => bytesOf({ messages: [{ role: "user", content }], ...beside });
const INSTEAD = "[input]";
const SECRET = 'Plan the merger of "Acme"\nwith Bolt & Söhne before May 3rd 🤝';
const escaped = (text: string) => JSON.stringify(text).slice(1, -1);
const inAscii = (text: string) =>
	escaped(text).replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

describe("what a sentence quotes of the input", () => {
	it.each([
		["Invalid prompt: Hi", asking("Hi"), "Invalid prompt: [input]"],
		["'this' is highly suspicious", asking("Tell me this."), "'[input]' is highly suspicious"],
		["Error on: Plan the merger of…", asking(SECRET), "Error on: [input]…"],
		[
			"Bad name get_the_weather_in.",
			asking("Hi", { tools: [{ function: { name: "get_the_weather_in" } }] }),
			"Bad name [input].",
		],
		["Bad argument 北京天气", asking([{ type: "text", text: "北京天气怎么样" }]), "Bad argument [input]"],
		["Unknown city Ulm!", asking([{ text: "x" }], { tools: [{ enum: ["Ulm", "Bonn"] }] }), "Unknown city [input]!"],
	])("is left out: %s", (said, input, shown) => {
		expect(withoutInput(said, input)).toBe(shown);
	});

	it.each([
		["Unrecognized request argument supplied: prompt_cache_key", asking("Hi", { prompt_cache_key: "x" })],
		["The last message must have the role `user`.", asking("Hi")],
		['"auto" tool choice requires --enable-auto-tool-choice', asking("Hi", { tool_choice: "auto" })],
		["This model's maximum context length is 8192 tokens.", asking("Hi, is this thing on?")],
		["The model does not exist.", asking(`It does not exist. ${"word ".repeat(2_000)}`)],
	])("is not what both say by chance, or the interface defines: %s", (said, input) => {
		expect(withoutInput(said, input)).toBe(said);
	});

	it("is left out of megabytes too, wherever it stands there", () => {
		const input = asking(`${"lorem ipsum ".repeat(100_000)}${SECRET}${" dolor".repeat(200_000)}`);
		expect(withoutInput(`Failed on "${escaped(SECRET)}" (500)`, input)).toMatch(
			/^Failed on "\[input\][\\"]*" \(500\)$/,
		);
	});

	const many = (length: number, prefix: string) =>
		Array.from({ length }, (_, nth) => `'${prefix}${(nth + 1_300).toString(36)}'`).join(" ");
	it.each([
		["a".repeat(4_900), asking("a".repeat(1_000_000)), INSTEAD],
		["-".repeat(500), asking("-".repeat(1_000_000)), INSTEAD],
		[`Bad image: ${"A".repeat(200)}`, asking("A".repeat(5_000_000)), `Bad image: ${INSTEAD}`],
		["x1 ".repeat(1_600), asking("", { stop: Array(200_000).fill("x1") }), `${INSTEAD} `],
		// More comparisons than are made: all is left out.
		[many(600, "aaa"), asking("a".repeat(1_000_000)), `'${INSTEAD}'`],
	])("takes no time that grows with repetitions (%#)", (said, input, shown) => {
		expect(withoutInput(said, input)).toBe(shown);
	});

	const texts = fc
		.string({ unit: "grapheme", minLength: 12, maxLength: 80 })
		.filter((text) => /^\S.{10,}\S$/su.test(text));
	const nested = (text: string): fc.Arbitrary<Json> =>
		fc.constantFrom<Json>(
			{ messages: [{ role: "user", content: text }] },
			{ messages: [{ role: "user", content: [{ type: "text", text }] }] },
			{ messages: [], tools: [{ type: "function", function: { name: "f", description: text } }] },
			{ messages: [{ role: "assistant", tool_calls: [{ function: { arguments: JSON.stringify({ text }) } }] }] },
		);
	const quoting = [
		String,
		escaped,
		inAscii,
		(text: string) => escaped(escaped(text)),
		(text: string) => text.replaceAll(" ", "\n  "),
	];

	it("never reaches the message or the code, however it is quoted, whole or in part", () => {
		const cases = texts.chain((text) =>
			fc.record({
				input: nested(text),
				part: fc.tuple(fc.nat(text.length - 10), fc.integer({ min: 10, max: 80 })).map(([at, length]) =>
					text
						.slice(at, at + length)
						.toWellFormed()
						.replaceAll("\ufffd", ""),
				),
				quote: fc.constantFrom(...quoting),
				frame: fc.constantFrom(
					(words: string) => words,
					(words: string) => `Failed on ${words} (500)`,
					(words: string) => `Bad: '${words}'.`,
				),
			}),
		);
		fc.assert(
			fc.property(cases, ({ input, part, quote, frame }) => {
				const about = { nowMs: 0, withoutInput: (text: string) => withoutInput(text, bytesOf(input)) };
				const said = frame(quote(part));
				const body = { error: { message: said, code: part } };
				const refused = classifyFailure({
					provider: "openai-compatible",
					status: 500,
					header: () => null,
					body,
					...about,
				});
				const thrown = classifyThrown(`5004: ${said}`, about);
				// What is left of it is too short to be a quotation.
				const bare = (text: string) => text.replace(/[\s\p{Cc}\\"'`]+/gu, "");
				const words = bare(part).replace(/[^\p{L}\p{N}]+/gu, "");
				fc.pre(bare(part).length >= 10 && words.length > 5);
				for (const shown of [refused.message, refused.providerCode ?? "", thrown?.message ?? ""])
					expect(bare(shown)).not.toContain(bare(part));
				expect(refused.message).toContain("[input]");
			}),
			{ numRuns: 500, seed: 7 },
		);
	});
});
