/** What a model is called with: the input of its job, or the chat completion that a request to the Responses API becomes. */
import { JsonBody } from "../core/json/json-body.ts";
import { type ChatDialect, chatRequest } from "../core/responses/request-to-chat.ts";
import { isSnapshot, readSnapshot } from "../core/responses/snapshot.ts";
import { type ModelFailure, newFailure } from "../core/upstreams/failures.ts";
import type { ModelRoute } from "../core/upstreams/model-routes.ts";

export type ChatInputResult = { ok: true; input: JsonBody } | { ok: false; failure: ModelFailure };

/** @param model the caller's name for it */
export function chatInput(stored: JsonBody, route: ModelRoute, model: string): ChatInputResult {
	if (!isSnapshot(stored)) return { ok: true, input: stored };
	const translated = chatRequest(readSnapshot(stored), dialectOf(route, model));
	if (translated.ok)
		return { ok: true, input: new JsonBody(new TextEncoder().encode(JSON.stringify(translated.body))) };
	// The request was accepted by an earlier version.
	const message = `${translated.param}: ${translated.problem}`;
	return { ok: false, failure: newFailure({ class: "permanent", code: "not_supported", message, isCallMade: false }) };
}

/** Workers AI's own models know the older name of the limit alone. */
function dialectOf(
	{ provider, rename, reasoning_content: keepsReasoning = false }: ModelRoute,
	model: string,
): ChatDialect {
	const isOpenAi = (rename ?? model).startsWith("openai/");
	return {
		keepsReasoning,
		outputLimit: provider === "workers-ai" && !isOpenAi ? "max_tokens" : "max_completion_tokens",
	};
}
