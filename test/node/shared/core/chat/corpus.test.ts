/** Nothing that a provider sent is lost, doubled or invented, however its bytes are cut and framed. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ParsedResponse } from "../../../../../shared/core/chat/completion.ts";
import { ResponseReader } from "../../../../../shared/core/chat/response-reader.ts";
import { classifyFailure } from "../../../../../shared/core/upstreams/classify-failure.ts";
import { ANSWERS, ANTHROPIC_CASES, eventsOf, streamOf } from "./anthropic-answers.ts";
import { CASES as COMMON_CASES, delta, sse } from "./corpus.ts";

const CASES = [...COMMON_CASES, ...ANTHROPIC_CASES];
const DEFAULTS = { id: "ours", created: 1, model: "ours" };

function read(body: string, cuts: number[] = [], saysEventStream = false): ParsedResponse {
	const reader = new ResponseReader({ saysEventStream, choicesRequested: 1, defaults: DEFAULTS });
	const bytes = new TextEncoder().encode(body);
	const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
	for (const [at, from] of places.slice(0, -1).entries()) reader.push(bytes.subarray(from, places[at + 1]));
	return reader.end(true);
}

const names = CASES.map((one, at) => [`${one.kind}, ${at}`, one] as const);

describe("what providers have sent", () => {
	it.each(names)("%s", (_, { body, outcome, code }) => {
		const parsed = read(body);
		if (typeof outcome === "string") {
			expect(parsed.kind).toBe(outcome);
			if (parsed.kind !== "error" || code === undefined) return;
			const refusal = {
				provider: "openai-compatible" as const,
				status: 200,
				header: () => null,
				body: parsed.body,
				nowMs: 0,
				withoutInput: String,
			};
			const failure = classifyFailure(refusal);
			expect([failure.code, failure.providerCode]).toContain(code);
			return;
		}
		if (parsed.kind !== "completion") throw new Error(parsed.kind);
		expect(parsed.completion.choices).toHaveLength(1);
		expect(parsed.completion.choices[0]?.message).toMatchObject(outcome.message);
		if (outcome.finish !== undefined) expect(parsed.completion.choices[0]?.finish_reason).toBe(outcome.finish);
		if (outcome.total !== undefined) expect(parsed.usage?.totalTokens).toBe(outcome.total);
	});

	it("is read the same in any pieces", () => {
		const cuts = fc.array(fc.nat(2000), { maxLength: 20 });
		fc.assert(
			fc.property(fc.constantFrom(...CASES), cuts, ({ body }, places) => {
				expect(read(body, places)).toEqual(read(body));
			}),
			{ numRuns: 600, seed: 7 },
		);
	});

	it("is read the same with comments, blank lines, CRLF, event names and doubled framing in between", () => {
		const streams = CASES.filter(({ body }) => body.startsWith("data:") && body.endsWith("\n\n"));
		const noise = fc.constantFrom(
			": ping\n\n",
			"\n\n",
			"event: ping\ndata: {}\n\n",
			"id: 7\n",
			"retry: 100\n",
			"data: keep-alive\n\n",
		);
		const change = fc.record({ noise: fc.array(noise, { maxLength: 6 }), crlf: fc.boolean(), doubled: fc.boolean() });
		fc.assert(
			fc.property(fc.constantFrom(...streams), change, fc.array(fc.nat(9), { maxLength: 6 }), ({ body }, how, at) => {
				const events = body
					.split("\n\n")
					.slice(0, -1)
					.map((event) => `${how.doubled ? event.replace(/^data: /gm, "data: data: ") : event}\n\n`);
				for (const [nth, piece] of how.noise.entries()) events.splice((at[nth] ?? 0) % events.length, 0, piece);
				const changed = events.join("");
				expect(read(how.crlf ? changed.replaceAll("\n", "\r\n") : changed)).toEqual(read(body));
			}),
			{ numRuns: 600, seed: 7 },
		);
	});
});

describe("an answer of Anthropic", () => {
	it.each(ANSWERS)("is the same whole and streamed: $name", ({ body }) => {
		expect(read(streamOf(eventsOf(body)))).toEqual(read(JSON.stringify(body)));
	});

	it("has its counts, and those within them, under OpenAI's names beside its own", () => {
		const parsed = read(JSON.stringify(ANSWERS.at(-1)?.body ?? null));
		expect(parsed.kind === "completion" ? parsed.completion.usage : parsed).toMatchObject({
			...{ prompt_tokens: 103, completion_tokens: 7, total_tokens: 110, input_tokens: 3, cache_read_input_tokens: 80 },
			...{ prompt_tokens_details: { cached_tokens: 80 }, completion_tokens_details: { reasoning_tokens: 2 } },
		});
	});

	const OVERLOADED = { type: "error", error: { type: "overloaded_error", message: "Overloaded" }, request_id: "req_1" };
	const begun = eventsOf(ANSWERS[0]?.body ?? { content: [] }).slice(0, 5);

	it.each([
		["in its stream", streamOf([...begun, OVERLOADED]), "transient"],
		["in its place", JSON.stringify(OVERLOADED), "transient"],
		["in an envelope of the gateway", JSON.stringify({ success: false, errors: [OVERLOADED.error] }), "transient"],
		["of its own", streamOf([...begun, { type: "error", error: { type: "api_error", message: "No." } }]), "transient"],
		["of its limits", streamOf([{ type: "error", error: { type: "rate_limit_error", message: "No." } }]), "throttled"],
	])("is a failure with its sentence where an error comes %s", (_, body, failureClass) => {
		const parsed = read(body);
		if (parsed.kind !== "error") throw new Error(parsed.kind);
		const refusal = {
			provider: "workers-ai" as const,
			status: 200,
			header: () => null,
			body: parsed.body,
			nowMs: 0,
			withoutInput: String,
		};
		const failure = { class: failureClass, message: expect.stringMatching(/^(Overloaded|No\.)$/) };
		expect(classifyFailure(refusal)).toMatchObject(failure);
	});

	it("is no answer while it has not ended", () => {
		const events = eventsOf(ANSWERS[6]?.body ?? { content: [] });
		for (let count = 0; count < events.length - 2; count++) {
			expect(["cut", "nothing"]).toContain(read(streamOf(events.slice(0, count))).kind);
		}
	});
});

describe("a text in a stream", () => {
	const piece = fc.string({ minLength: 1, maxLength: 6, unit: "binary" });

	it("is stored whole, as a stream and as it would have come whole", () => {
		fc.assert(
			fc.property(
				fc.array(piece, { minLength: 1, maxLength: 12 }),
				fc.array(fc.nat(3000), { maxLength: 9 }),
				(pieces, cuts) => {
					fc.pre(!isSnapshots(pieces));
					const body = sse(...pieces.map((content) => delta({ content })), delta({}, "stop"), "[DONE]");
					expect(contentOf(read(body, cuts))).toBe(pieces.join(""));
				},
			),
			{ numRuns: 400, seed: 7 },
		);
	});

	it("is never stored as an answer without a part of it, wherever bytes are lost, repeated or changed", () => {
		const pieces = ["One ", "two ", "three ", "four ", "five."];
		const body = sse(...pieces.map((content) => delta({ content })), delta({}, "stop"), "[DONE]");
		const change = fc.record({
			at: fc.nat(body.length - 1),
			length: fc.nat(30),
			put: fc.constantFrom("", "{", "\n", "\n\n", '"', "data: ", "x"),
		});
		fc.assert(
			fc.property(change, ({ at, length, put }) => {
				const parsed = read(body.slice(0, at) + put + body.slice(at + length));
				if (parsed.kind !== "completion") return;
				// What the bytes still say, whole events alone, must be in the answer.
				const kept = body.slice(0, at) + put + body.slice(at + length);
				const sent = kept.split("\n").flatMap((line) => (line.startsWith(":") ? [] : contentIn(line)));
				for (const words of sent) expect(JSON.stringify(parsed.completion)).toContain(words);
			}),
			{ numRuns: 3000, seed: 7 },
		);
	});
});

function contentOf(parsed: ParsedResponse): unknown {
	return parsed.kind === "completion" ? parsed.completion.choices[0]?.message.content : parsed.kind;
}

function contentIn(line: string): string[] {
	const words = /"content":"([a-zO. ]+)"/.exec(line)?.[1];
	return words === undefined ? [] : [words];
}

function isSnapshots(pieces: string[]): boolean {
	return pieces.length >= 3 && pieces.every((one, at) => at === 0 || one.startsWith(pieces[at - 1] ?? ""));
}
