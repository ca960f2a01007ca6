/** The least that a route takes to get as far as its handler, made of the description of the API. */
import fc from "fast-check";
import { runtime } from "../../../workers/runtime.ts";
import { type ApiDescription, describeApi, type Operation } from "../../support/api-description.ts";
import { valuesOf } from "../../support/values-of.ts";
import type { Call } from "./caller.ts";

export const description: ApiDescription = await describeApi();

/** What a schema cannot say of its own values. */
const HINTS = {
	url: fc.constant("https://receiver.example.com/hook"),
	since: fc.constant(new Date(runtime.now()).toISOString()),
};

/** What a body must say besides: for a key with one scope, and for no message to be sent. */
const NEEDED: Record<string, object> = {
	"POST /v1/jobs": { delay_seconds: 3_600 },
	"POST /v1/chat/completions": { messages: [{ role: "user", content: "Why?" }] },
	"POST /v1/responses": { input: "Why?" },
	"POST /v1/keys": { scopes: ["keys:manage"] },
};

export function leastCall({ name, body }: Operation): Pick<Call, "json"> {
	if (body === null) return {};
	const [json] = fc.sample(valuesOf(body, { refer: description.refer, isLeast: true, hints: HINTS }), {
		seed: 1,
		numRuns: 1,
	});
	return { json: { ...Object(json), ...NEEDED[name] } };
}
