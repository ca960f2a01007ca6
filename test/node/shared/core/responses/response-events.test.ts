import fc from "fast-check";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { type JsonObject, objectOf } from "../../../../../shared/core/json/json.ts";
import type { ResponseFacts } from "../../../../../shared/core/responses/facts.ts";
import { textPieces } from "../../../../../shared/core/responses/item-events.ts";
import {
	eventFrame,
	eventsAfter,
	isTerminal,
	type ResponseEvent,
	responseEvents,
} from "../../../../../shared/core/responses/response-events.ts";
import { responseObject } from "../../../../../shared/core/responses/response-object.ts";
import { ANSWERS, answerOf, requestFor, someFacts, THROTTLED, ULID } from "./answers.ts";

/** Everything that a stream is about: facts, request, answer. */
type Subject = [ResponseFacts, JsonObject, JsonObject | null];

const ENDS: Record<string, Subject> = {
	...Object.fromEntries(
		Object.entries(ANSWERS).map(([name, answer]): [string, Subject] => [name, [someFacts(), requestFor(name), answer]]),
	),
	"a failure": [someFacts({ status: "failed", error: THROTTLED }), { input: "Hi" }, null],
	"an expiry before the start": [
		someFacts({ status: "expired", startedAt: null, error: THROTTLED }),
		{ input: "Hi" },
		null,
	],
	"a cancellation": [someFacts({ status: "cancelled" }), { input: "Hi" }, null],
	"a cancellation before the start": [someFacts({ status: "cancelled", startedAt: null }), { input: "Hi" }, null],
};

const eventsOf = (subject: Subject) => [...responseEvents(...subject)];
const typesOf = (events: ResponseEvent[]) => events.map(({ type }) => type.replace("response.", ""));

/** A client whose every request is answered with `events`. */
function clientOf(events: ResponseEvent[]): OpenAI {
	const body = `${events.map(eventFrame).join("")}data: [DONE]\n\n`;
	const headers = { "content-type": "text/event-stream" };
	const fetch = async () => new Response(body, { headers });
	return new OpenAI({ apiKey: "key", baseURL: "http://localhost/v1", fetch, maxRetries: 0 });
}

describe("the client of OpenAI, unmodified, ends with the Response itself", () => {
	it.each(Object.entries(ENDS))("when it creates a stream: %s", async (_, subject) => {
		const stream = clientOf(eventsOf(subject)).responses.stream({ model: "gpt-5.5", input: "Hi" });
		expect(withoutParsed(await stream.finalResponse())).toEqual(responseObject(...subject));
	});

	it.each(Object.entries(ENDS))("when it replays one: %s", async (_, subject) => {
		const stream = clientOf(eventsOf(subject)).responses.stream({ response_id: `resp_${ULID}`, starting_after: 3 });
		const seen: number[] = [];
		stream.on("event", (event) => seen.push(event.sequence_number));
		expect(withoutParsed(await stream.finalResponse())).toEqual(responseObject(...subject));
		expect(seen).toEqual(
			eventsOf(subject).flatMap((event) => (event.sequence_number > 3 ? [event.sequence_number] : [])),
		);
	});

	it.each(Object.entries(ENDS))(
		"also where its final object lacks the output, from the events alone: %s",
		async (_, subject) => {
			const events = eventsOf(subject).map((event) => {
				const { output: _, output_text: __, ...response } = objectOf(event.response) ?? {};
				return isTerminal(event) ? { ...event, response } : event;
			});
			const final = await clientOf(events).responses.stream({ model: "gpt-5.5", input: "Hi" }).finalResponse();
			expect(withoutParsed(final)).toEqual(responseObject(...subject));
		},
	);
});

/** The client adds what it parsed of texts and arguments. */
function withoutParsed(response: object): unknown {
	const text = JSON.stringify(response, (key, value: unknown) =>
		key === "parsed" || key === "parsed_arguments" || key === "output_parsed" ? undefined : value,
	);
	return JSON.parse(text);
}

describe("the events of a Response", () => {
	it.each<[string, string[]]>([
		[
			"text",
			[
				...["created", "queued", "in_progress", "output_item.added", "content_part.added"],
				...["output_text.delta", "output_text.delta", "output_text.delta"],
				...["output_text.done", "content_part.done", "output_item.done", "completed"],
			],
		],
		[
			"thoughts of another name",
			[
				...["created", "queued", "in_progress", "output_item.added", "reasoning_summary_part.added"],
				...["reasoning_summary_text.delta", "reasoning_summary_text.done", "reasoning_summary_part.done"],
				...["output_item.done", "output_item.added", "content_part.added", "output_text.delta", "output_text.done"],
				...["content_part.done", "output_item.done", "completed"],
			],
		],
		[
			"citations",
			[
				...["created", "queued", "in_progress", "output_item.added", "content_part.added", "output_text.delta"],
				...["output_text.annotation.added", "output_text.annotation.added", "output_text.done"],
				...["content_part.done", "output_item.done", "completed"],
			],
		],
		[
			"a call of old",
			[
				...["created", "queued", "in_progress", "output_item.added", "function_call_arguments.delta"],
				...["function_call_arguments.done", "output_item.done", "completed"],
			],
		],
		[
			"a filtered answer",
			[
				...["created", "queued", "in_progress", "output_item.added", "content_part.added", "output_text.done"],
				...["content_part.done", "output_item.done", "incomplete"],
			],
		],
		["a failure", ["created", "queued", "in_progress", "failed"]],
		["an expiry before the start", ["created", "queued", "failed"]],
		["a cancellation", ["created", "queued", "in_progress", "incomplete"]],
	])("of %s come in the order that clients accept", (name, types) => {
		const subject = ENDS[name];
		expect(subject && typesOf(eventsOf(subject))).toEqual(types);
	});

	it("of a cancellation end with an object that says so", () => {
		const last = eventsOf(ENDS["a cancellation"] ?? [someFacts(), {}, null]).at(-1);
		expect(last).toMatchObject({ type: "response.incomplete", response: { status: "cancelled", output: [] } });
	});

	it("begin with the object as at creation, whatever became of the job", () => {
		const facts = someFacts({ model: "other", attempt: 4 });
		const [created, queued, started] = eventsOf([facts, requestFor("text"), ANSWERS.text ?? null]);
		const atCreation = responseObject(
			someFacts({ status: "queued", startedAt: null, finishedAt: null, attempt: 0 }),
			requestFor("text"),
			null,
		);
		expect([created?.response, queued?.response]).toEqual([atCreation, atCreation]);
		expect(started?.response).toEqual({ ...atCreation, status: "in_progress" });
	});

	it.each<[string, Partial<ResponseFacts>, string[]]>([
		["waits", { status: "queued", startedAt: null }, ["created", "queued"]],
		["runs", { status: "running" }, ["created", "queued", "in_progress"]],
	])("stop without an end while the job %s", (_, facts, types) => {
		expect(typesOf(eventsOf([someFacts({ ...facts, finishedAt: null }), {}, null]))).toEqual(types);
	});
});

const [SHORT = [someFacts(), {}, null]] = [ENDS.calls];

describe("the events after a number", () => {
	const all = eventsOf(SHORT);

	it.each(all.slice(0, -1).map(({ sequence_number: number }) => number))("%s are the missing suffix", (number) => {
		expect([...eventsAfter(all, number)]).toEqual(all.slice(number + 1));
	});

	it.each([all.length - 1, all.length + 7])("%s are the end again, under the next number", (number) => {
		expect([...eventsAfter(all, number)]).toEqual([{ ...all.at(-1), sequence_number: number + 1 }]);
	});

	it("are none while there is no end", () => {
		const open = eventsOf([someFacts({ status: "running" }), {}, null]);
		expect([...eventsAfter(open, 2)]).toEqual([]);
	});
});

/** Texts with many surrogate pairs, all whole. */
const anyText = fc.string({ unit: fc.constantFrom("a", "ß", "😀", "\n", '"', "\u2028"), maxLength: 120, size: "max" });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const anyAnswer = fc
	.record({
		content: fc.option(anyText),
		refusal: maybe(anyText),
		reasoning_content: maybe(anyText),
		tool_calls: maybe(
			fc.array(
				fc.record({ id: fc.constantFrom("", "a", "b", "call_0"), function: fc.record({ arguments: anyText }) }),
				{ maxLength: 4 },
			),
		),
	})
	.map((message): JsonObject => answerOf(JSON.parse(JSON.stringify(message))));

describe("any answer", () => {
	it("is cut into pieces that join to it, of 15 or 16 units, without half a surrogate pair", () => {
		fc.assert(
			fc.property(anyText, (text) => {
				const pieces = [...textPieces(text)];
				expect(pieces.join("")).toBe(text);
				expect(pieces.filter((piece) => !piece.isWellFormed())).toEqual([]);
				expect(pieces.slice(0, -1).every((piece) => piece.length === 15 || piece.length === 16)).toBe(true);
				expect(pieces).not.toContain("");
			}),
		);
	});

	it("has contiguous numbers and indexes, unique ids, one end, and the same bytes each time", () => {
		fc.assert(
			fc.property(anyAnswer, (answer) => {
				const subject: Subject = [someFacts(), { input: "Hi" }, answer];
				const events = eventsOf(subject);
				expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, at) => at));
				expect(events.filter(isTerminal)).toEqual([events.at(-1)]);
				const done = events.filter(({ type }) => type === "response.output_item.done");
				expect(done.map(({ output_index: index }) => index)).toEqual(done.map((_, at) => at));
				const ids = done.flatMap(({ item }) => [objectOf(item)?.id, objectOf(item)?.call_id ?? []].flat());
				expect(new Set(ids).size).toBe(ids.length);
				expect(events.map(eventFrame)).toEqual(eventsOf(subject).map(eventFrame));
			}),
		);
	});

	it("arrives whole at the client of OpenAI", async () => {
		await fc.assert(
			fc.asyncProperty(anyAnswer, async (answer) => {
				const subject: Subject = [someFacts(), { input: "Hi" }, answer];
				const stream = clientOf(eventsOf(subject)).responses.stream({ model: "gpt-5.5", input: "Hi" });
				expect(withoutParsed(await stream.finalResponse())).toEqual(responseObject(...subject));
			}),
			{ numRuns: 60 },
		);
	});
});
