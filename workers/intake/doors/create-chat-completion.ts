import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ChatCompletionBody, CreateChatCompletion } from "../../../shared/api/doors/chat-completion.ts";
import { doorHeaders, requestOf } from "../../../shared/api/doors/door.ts";
import { chunksOf } from "../../../shared/core/doors/chat-chunks.ts";
import { JsonBody } from "../../../shared/core/json/json-body.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newDoor } from "../http/app.ts";
import { bodyErrors, commonErrors, jsonBody, noQuery } from "../http/describe-route.ts";
import { requireDoorBody } from "../http/strict-body.ts";
import type { IntakeEnv } from "../services.ts";
import { doorErrors } from "./door-errors.ts";
import {
	AS_EVENTS,
	AS_JSON,
	BEFORE_EVENTS,
	BEFORE_JSON,
	dataFrame,
	type HeldJob,
	holdOpen,
	silence,
	written,
} from "./hold.ts";
import { answerOfEnded } from "./stored-answer.ts";
import { type DoorOrder, submitThroughDoor } from "./submit-through-door.ts";

const route = createRoute({
	operationId: "createChatCompletion",
	method: "post",
	path: "/v1/chat/completions",
	tags: ["Chat completions"],
	summary: "Create a chat completion",
	description:
		"The route of OpenAI's API, over a job: submits it, and holds the response until it is final. After 45 seconds, the response begins with blank lines; if the job fails after that, the connection is cut, and a retry gets the error. Needs `jobs:read` as well, because the response has the answer.",
	middleware: [requireKey("jobs:write", "jobs:read"), requireDoorBody] as const,
	request: { query: noQuery, headers: doorHeaders, body: jsonBody(CreateChatCompletion) },
	responses: {
		200: {
			description: "The answer.",
			content: { "application/json": { schema: ChatCompletionBody }, "text/event-stream": { schema: z.string() } },
		},
		...commonErrors,
		...bodyErrors,
		...doorErrors,
	},
});

export const createChatCompletionRoute = newDoor().openapi(route, async (c) => {
	const body = c.req.valid("json");
	const order = orderOf(c, body);
	const includeUsage = body.stream_options?.include_usage ?? false;
	return await holdOpen(c, {
		find: () => submitThroughDoor(c, order),
		onDisconnect: body.holdfast?.on_disconnect ?? "continue",
		...(body.stream
			? { ...AS_EVENTS, chunks: (held) => streamedAnswer(c, held, includeUsage) }
			: { ...AS_JSON, chunks: (held) => wholeAnswer(c, held) }),
	});
});

/** What only this service reads. It streams from the provider by itself, with token counts. */
const OWN_FIELDS = ["model", "stream", "stream_options", "store", "metadata", "holdfast"] as const;

function orderOf(c: Context<IntakeEnv>, body: z.infer<typeof CreateChatCompletion>): DoorOrder {
	const { model, metadata, holdfast, stream: _, stream_options: __, store, ...parsedInput } = body;
	const request = requestOf({ model: model ?? c.env.services.config.defaultModel, metadata, store }, holdfast);
	const without = Object.fromEntries(OWN_FIELDS.map((name) => [name, undefined]));
	return {
		entrance: { door: "chat", store: store ?? null, background: false },
		request,
		input: new JsonBody(c.var.submission?.input ?? new Uint8Array()).with(without).toBytes(),
		parsedInput,
		heldMs: (request.deadline_seconds ?? 0) * 1000,
	};
}

async function* wholeAnswer(c: Context<IntakeEnv>, held: HeldJob): AsyncGenerator<Uint8Array, void> {
	yield* silence(held, BEFORE_JSON);
	yield (await answerOfEnded(c, await held.ended())).toBytes();
}

async function* streamedAnswer(
	c: Context<IntakeEnv>,
	held: HeldJob,
	includeUsage: boolean,
): AsyncGenerator<Uint8Array, void> {
	yield* silence(held, BEFORE_EVENTS);
	const completion = (await answerOfEnded(c, await held.ended())).toObject();
	yield* written(chunksOf(completion, includeUsage), dataFrame);
}
