import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { doorHeaders, requestOf } from "../../../shared/api/doors/door.ts";
import { CreateResponse, ResponseBody } from "../../../shared/api/doors/response.ts";
import { ChatInput } from "../../../shared/core/chat/chat-input.ts";
import { DoorError, errorOfEnded } from "../../../shared/core/doors/ended-job.ts";
import { AppError } from "../../../shared/core/errors.ts";
import { isJsonObject } from "../../../shared/core/json/json.ts";
import { chatRequest } from "../../../shared/core/responses/request-to-chat.ts";
import { eventFrame, responseEvents } from "../../../shared/core/responses/response-events.ts";
import { responseObject } from "../../../shared/core/responses/response-object.ts";
import { snapshotOf } from "../../../shared/core/responses/snapshot.ts";
import { utf8 } from "../../../shared/crypto/bytes.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newDoor } from "../http/app.ts";
import { bodyErrors, commonErrors, jsonBody, noQuery } from "../http/describe-route.ts";
import { requireDoorBody } from "../http/strict-body.ts";
import type { IntakeEnv } from "../services.ts";
import { doorErrors } from "./door-errors.ts";
import { AS_EVENTS, AS_JSON, BEFORE_EVENTS, BEFORE_JSON, type HeldJob, holdOpen, silence, written } from "./hold.ts";
import { type StoredResponse, storedResponse } from "./stored-response.ts";
import { type DoorOrder, submitThroughDoor } from "./submit-through-door.ts";

const route = createRoute({
	operationId: "createResponse",
	method: "post",
	path: "/v1/responses",
	tags: ["Responses"],
	summary: "Create a Response",
	description:
		"The route of OpenAI's API, over a job: submits it, and holds the response until it is final. A job that fails in the first 45 seconds is an error, and later an object whose status is `failed`. Neither `background` nor `previous_response_id` is served yet. Needs `jobs:read` as well, because the response has the answer.",
	middleware: [requireKey("jobs:write", "jobs:read"), requireDoorBody] as const,
	request: { query: noQuery, headers: doorHeaders, body: jsonBody(CreateResponse) },
	responses: {
		200: {
			description: "The Response.",
			content: { "application/json": { schema: ResponseBody }, "text/event-stream": { schema: z.string() } },
		},
		...commonErrors,
		...bodyErrors,
		...doorErrors,
	},
});

export const createResponseRoute = newDoor().openapi(route, async (c) => {
	const body = c.req.valid("json");
	const order = orderOf(c, body);
	return await holdOpen(c, {
		find: () => submitThroughDoor(c, order),
		onDisconnect: body.holdfast?.on_disconnect ?? "continue",
		...(body.stream
			? { ...AS_EVENTS, chunks: (held) => streamed(c, held) }
			: { ...AS_JSON, chunks: (held) => whole(c, held) }),
	});
});

/** Without a context, because there is no way yet to refer to one. */
const ALONE = { context: [], referenced: new Map() };

function orderOf(c: Context<IntakeEnv>, body: z.infer<typeof CreateResponse>): DoorOrder {
	for (const name of ["background", "previous_response_id"])
		if (body[name]) throw new AppError("unsupported_value", "Not served yet. Leave it out.", name);
	const asked = chatRequest({ ...ALONE, request: isJsonObject(body) ? body : {} });
	if (!asked.ok) throw new AppError(asked.code, asked.problem, asked.param);
	const { model, metadata, store, holdfast } = body;
	const request = requestOf({ model: model ?? c.env.services.config.defaultModel, metadata, store }, holdfast);
	return {
		entrance: { door: "responses", store: store ?? null, background: false },
		request,
		input: snapshotOf(c.var.submission?.input ?? new Uint8Array(), ALONE),
		parsedInput: ChatInput.parse(asked.body),
		heldMs: (request.deadline_seconds ?? 0) * 1000,
	};
}

async function* whole(c: Context<IntakeEnv>, held: HeldJob): AsyncGenerator<Uint8Array, void> {
	let hasBegun = false;
	for await (const sign of silence(held, BEFORE_JSON)) {
		hasBegun = true;
		yield sign;
	}
	const { facts, request, answer } = await endOf(c, held, hasBegun);
	yield utf8(JSON.stringify(responseObject(facts, request, answer)));
}

async function* streamed(c: Context<IntakeEnv>, held: HeldJob): AsyncGenerator<Uint8Array, void> {
	let hasBegun = false;
	for await (const sign of silence(held, BEFORE_EVENTS)) {
		hasBegun = true;
		yield sign;
	}
	const { facts, request, answer } = await endOf(c, held, hasBegun);
	yield* written(responseEvents(facts, request, answer), eventFrame);
}

/** Throws for a job without an answer, as long as the response can still have an error's status. */
async function endOf(c: Context<IntakeEnv>, held: HeldJob, hasBegun: boolean): Promise<StoredResponse> {
	const job = await held.ended();
	if (!hasBegun && job.status !== "succeeded") throw new DoorError(errorOfEnded(job));
	return await storedResponse(c, job);
}
