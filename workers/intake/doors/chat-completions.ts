/** Chat completions after their creation. Those with `store: true` are listed; the others are found by their ids. */
import { createRoute, type z } from "@hono/zod-openapi";
import type { Context } from "hono";
import {
	ChatCompletionBody,
	ChatCompletionDeleted,
	ChatCompletionList,
	ChatMessageList,
	chatCompletionsQuery,
	chatMessagesQuery,
	UpdateChatCompletion,
	viewMessages,
} from "../../../shared/api/doors/chat-completion.ts";
import { metadataFilter } from "../../../shared/api/job.ts";
import { doorIdOf, jobIdOf } from "../../../shared/core/doors/door-ids.ts";
import type { JobSummary } from "../../../shared/core/jobs/job.ts";
import { findJobWithInput } from "../../../shared/db/jobs/find-job.ts";
import { listJobs } from "../../../shared/db/jobs/list-jobs.ts";
import { updateMetadata } from "../../../shared/db/jobs/update-metadata.ts";
import { erase } from "../../../shared/jobs/erase.ts";
import { readInput } from "../../../shared/storage/inputs.ts";
import { callerAsActor } from "../auth/audit-actor.ts";
import { requireKey } from "../auth/authenticate.ts";
import { newDoor } from "../http/app.ts";
import { bodyErrors, commonErrors, idParams, jsonBody, jsonResponse, noQuery } from "../http/describe-route.ts";
import { requireBody } from "../http/strict-body.ts";
import { jsonOf, type Stored, spliced, splicedList } from "../jobs/spliced-json.ts";
import { openOrRefuse } from "../jobs/stored-body.ts";
import type { IntakeEnv } from "../services.ts";
import { endedErrors } from "./door-errors.ts";
import { completionKeyOf, findOwnAnswer, findOwnCompletion, noSuchCompletion, notFinal } from "./load-completion.ts";
import { answerOf } from "./stored-answer.ts";

const shared = { tags: ["Chat completions"] };
const one = { ...shared, path: "/v1/chat/completions/{id}" };

const list = createRoute({
	...shared,
	operationId: "listChatCompletions",
	method: "get",
	path: "/v1/chat/completions",
	summary: "List stored chat completions",
	description:
		"Those that were created with `store: true` and have an answer, oldest first. A page looks at 10,000 jobs at most, fewer with metadata filters.",
	middleware: [requireKey("jobs:read")] as const,
	request: { query: chatCompletionsQuery },
	responses: { 200: jsonResponse("One page of chat completions.", ChatCompletionList), ...commonErrors },
});

const get = createRoute({
	...one,
	operationId: "getChatCompletion",
	method: "get",
	summary: "Get a chat completion",
	description:
		"Whether it was created with `store` or not. A job that ended without an answer is the error that it ended with.",
	middleware: [requireKey("jobs:read")] as const,
	request: { params: idParams, query: noQuery },
	responses: { 200: jsonResponse("The answer.", ChatCompletionBody), ...commonErrors, ...endedErrors },
});

const update = createRoute({
	...one,
	operationId: "updateChatCompletion",
	method: "post",
	summary: "Replace the metadata of a chat completion",
	middleware: [requireKey("jobs:write", "jobs:read"), requireBody] as const,
	request: { params: idParams, query: noQuery, body: jsonBody(UpdateChatCompletion) },
	responses: { 200: jsonResponse("The answer.", ChatCompletionBody), ...commonErrors, ...bodyErrors, ...endedErrors },
});

const remove = createRoute({
	...one,
	operationId: "deleteChatCompletion",
	method: "delete",
	summary: "Erase a chat completion",
	description: "Erases its job, with all that belongs to it.",
	middleware: [requireKey("jobs:write")] as const,
	request: { params: idParams, query: noQuery },
	responses: {
		200: jsonResponse("Erased.", ChatCompletionDeleted),
		...commonErrors,
		404: endedErrors[404],
		409: endedErrors[409],
	},
});

const messages = createRoute({
	...shared,
	operationId: "listChatCompletionMessages",
	method: "get",
	path: "/v1/chat/completions/{id}/messages",
	summary: "List the messages of the request of a chat completion",
	middleware: [requireKey("jobs:read")] as const,
	request: { params: idParams, query: chatMessagesQuery },
	responses: {
		200: jsonResponse("One page of messages.", ChatMessageList),
		...commonErrors,
		404: endedErrors[404],
	},
});

export const chatCompletionRoutes = newDoor()
	.openapi(list, async (c) => {
		const { jobs, hasMore } = await listStored(c, c.req.valid("query"));
		const ids = jobs.map(({ jobId }) => doorIdOf("chat", jobId));
		const paging = { has_more: hasMore, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null };
		const open = (job: JobSummary) => async () => (await answerOf(c, job)).toBytes();
		const [first, ...rest] = jobs.map(open);
		// The first is opened at once: while R2 is down, the response is an error, not a part of a list.
		const answers: Stored[][] = [...(first === undefined ? [] : [[await first()]]), ...rest.map((one) => [one])];
		const body = spliced({ object: "list", ...paging }, { data: splicedList(answers) });
		return jsonOf<z.infer<typeof ChatCompletionList>>(c, body);
	})
	.openapi(get, async (c) => {
		const job = await findOwnAnswer(c);
		return jsonOf<z.infer<typeof ChatCompletionBody>>(c, [(await answerOf(c, job)).toBytes()]);
	})
	.openapi(update, async (c) => {
		const { metadata } = c.req.valid("json");
		const job = await findOwnAnswer(c);
		if (!(await updateMetadata(c.env.services.db, { ...job, door: "chat" }, metadata))) throw noSuchCompletion();
		return jsonOf<z.infer<typeof ChatCompletionBody>>(c, [(await answerOf(c, { ...job, metadata })).toBytes()]);
	})
	.openapi(remove, async (c) => {
		const job = await findOwnCompletion(c);
		const outcome = await erase(c.env.services, completionKeyOf(c), callerAsActor(c));
		if (outcome === "unknown") throw noSuchCompletion();
		if (outcome === "not_final") throw notFinal(c, job);
		const id = doorIdOf("chat", job.jobId);
		return c.json({ id, object: "chat.completion.deleted" as const, deleted: true as const }, 200);
	})
	.openapi(messages, async (c) => {
		const { db, objects } = c.env.services;
		const job = await findJobWithInput(db, completionKeyOf(c));
		if (job?.door !== "chat") throw noSuchCompletion();
		const input = await openOrRefuse(c, { jobId: job.jobId, what: "input" }, () => readInput(objects, job));
		return c.json(viewMessages(doorIdOf("chat", job.jobId), input, c.req.valid("query")), 200);
	});

/** Each looks at a bounded number of rows. OpenAI's package takes a page without an entry for the last one. */
const LOOKS_MAX = 10;

async function listStored(c: Context<IntakeEnv>, query: z.infer<typeof chatCompletionsQuery>) {
	const { limit, order, model = null } = query;
	let after = query.after === undefined ? null : jobIdOf("chat", query.after);
	const nothing = { statusReason: null, retryOf: null, createdAfter: null, createdBefore: null };
	const filter = {
		...{ ...nothing, finishedAfter: null, finishedBefore: null, statuses: ["succeeded" as const], model },
		...{ metadata: metadataFilter(query), door: "chat" as const, isStored: true },
	};
	const jobs: JobSummary[] = [];
	for (let look = 0; look < LOOKS_MAX; look++) {
		const { tenantId } = c.var.caller;
		const page = await listJobs(c.env.services.db, { tenantId, limit: limit - jobs.length, after, order, filter });
		jobs.push(...page.items);
		after = page.nextAfter;
		if (after === null || jobs.length === limit) break;
	}
	return { jobs, hasMore: after !== null };
}
