/** The events of Responses, as `openai` accumulates them: every kind of answer ends with the object that a poll shows. */
import OpenAI7 from "openai";
import OpenAI6 from "openai-6";
import { describe, expect, it } from "vitest";
import { eventFrame, responseEvents } from "../../shared/core/responses/response-events.ts";
import { responseObject } from "../../shared/core/responses/response-object.ts";
import { ANSWERS, requestFor, someFacts } from "../node/shared/core/responses/answers.ts";

/** A client for one answer. */
const options = (body: string) => ({
	...{ baseURL: "http://localhost/v1", apiKey: "key", maxRetries: 0 },
	fetch: async () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
});
const REQUEST = { model: "gpt-5.5", input: "Hi" };

const CLIENTS = [
	{ name: "openai 7", finalOf: (body: string) => new OpenAI7(options(body)).responses.stream(REQUEST).finalResponse() },
	{ name: "openai 6", finalOf: (body: string) => new OpenAI6(options(body)).responses.stream(REQUEST).finalResponse() },
];

/** Clients add what they parsed of texts and arguments. */
function withoutParsed(response: object): unknown {
	const names = new Set(["parsed", "parsed_arguments", "output_parsed"]);
	return JSON.parse(JSON.stringify(response, (name, value: unknown) => (names.has(name) ? undefined : value)));
}

describe.each(CLIENTS)("client.responses.stream of $name", ({ finalOf }) => {
	it.each(Object.entries(ANSWERS))("ends with the Response: %s", async (name, answer) => {
		const frames = [...responseEvents(someFacts(), requestFor(name), answer)].map(eventFrame);
		const final = await finalOf(`${frames.join("")}data: [DONE]\n\n`);
		expect(withoutParsed(final)).toEqual(responseObject(someFacts(), requestFor(name), answer));
	});
});
