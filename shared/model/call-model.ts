/**
 * Calls a model once: finds the provider, enforces the time limits, reads the response, classifies the failure. Nothing is
 * retried here, except that a provider which refuses what we added is called again without.
 */

import type { CompletionDefaults, ParsedResponse } from "../core/chat/completion.ts";
import { type Json, parseJson } from "../core/json/json.ts";
import type { Runtime } from "../core/runtime.ts";
import { classifyFailure } from "../core/upstreams/classify-failure.ts";
import { type FailureCode, type ModelFailure, newFailure } from "../core/upstreams/failures.ts";
import type { ProviderName } from "../core/upstreams/model-routes.ts";
import { memberRefusalOf } from "../core/upstreams/provider-error.ts";
import { withoutInput } from "../core/upstreams/quoted-input.ts";
import { cleanMessage, withoutAccount } from "../core/upstreams/shown-message.ts";
import { CallWatch, type GivenUp } from "./call-watch.ts";
import { type CallEnd, callWithAdditions } from "./call-with-additions.ts";
import type { CallModel, ModelCall, Provider, ProviderReply } from "./port.ts";
import { openAiCompatible } from "./providers/openai-compatible.ts";
import { simulated } from "./providers/simulated.ts";
import { type AiBinding, workersAi } from "./providers/workers-ai.ts";
import { readErrorText, readResponse, SILENCE_LIMITS, type SilenceLimits } from "./read-response.ts";

export interface CallModelDeps {
	runtime: Pick<Runtime, "now" | "timer" | "sleep" | "fetch" | "subtle">;
	ai: AiBinding;
	/** Makes the keys of responses in the gateway's cache. */
	signingKey: string;
	/** The value of a provider's key by the name of its secret; null where it is not set. */
	secret: (name: string) => string | null;
	/** Whether the simulated provider serves calls. */
	allowSimulated: boolean;
	/** Overrides of `SILENCE_LIMITS`. */
	limits?: Partial<SilenceLimits>;
}

export function callModel(deps: CallModelDeps): CallModel {
	const limits = { ...SILENCE_LIMITS, ...deps.limits };
	const providers: Readonly<Record<ProviderName, Provider>> = {
		"workers-ai": workersAi(deps.ai, deps.runtime, deps.signingKey),
		"openai-compatible": openAiCompatible(deps),
		simulated: simulated(deps.runtime, deps.allowSimulated),
	};
	return async function callWithinLimits(call, signal) {
		const watch = new CallWatch(deps.runtime, signal, call.timeoutMs);
		try {
			return await callWithAdditions(call, async (asked) => {
				const reply = await send(providers[call.route.provider], asked, watch);
				return reply.ok ? await read(reply, asked, deps.runtime, limits, watch) : { outcome: reply, refusal: null };
			});
		} catch (error) {
			return { ok: false, failure: watch.why === null ? unreachable(error) : givenUp(watch.why, null) };
		} finally {
			watch.stop();
		}
	};
}

/** Waits for the headers. If they come after the call was given up, the body is cancelled, so that no connection leaks. */
async function send(provider: Provider, call: ModelCall, watch: CallWatch): Promise<ProviderReply> {
	const reply = provider(call, watch.signal);
	try {
		return await watch.wait(reply);
	} catch (error) {
		reply.then(
			(late) => (late.ok ? late.response.body?.cancel() : undefined),
			() => undefined,
		);
		throw error;
	}
}

async function read(
	{ response, secrets }: Extract<ProviderReply, { ok: true }>,
	call: ModelCall,
	runtime: Pick<Runtime, "now">,
	limits: SilenceLimits,
	watch: CallWatch,
): Promise<CallEnd> {
	const { status } = response;
	const logId = response.headers.get("cf-aig-log-id");
	const { provider } = call.route;
	const header = (name: string) => response.headers.get(name);
	const about = { provider, status, header, nowMs: runtime.now() };
	const refused = (body: Json | undefined) =>
		withoutSecrets(
			classifyFailure({ ...about, body, withoutInput: (text) => withoutInput(text, call.input.original) }),
			secrets,
		);
	if (!response.ok) {
		const body = parseJson(await readErrorText(response, limits, watch));
		const failure = watch.why === "aborted" ? givenUp("aborted", status) : refused(body);
		const refusal = watch.why === null ? memberRefusalOf(status, body) : null;
		return { outcome: { ok: false, failure: { ...failure, logId } }, refusal };
	}
	const expected = { choicesRequested: choicesRequested(call), defaults: defaultsFor(call, runtime) };
	const { parsed, excerpt } = await readResponse(response, expected, limits, watch, call.roomFor);
	if (parsed.kind === "completion") {
		const { completion, usage } = parsed;
		return { outcome: { ok: true, response: { completion, usage, status, logId } }, refusal: null };
	}
	const failure =
		parsed.kind === "error"
			? refused(parsed.body)
			: withoutSecrets({ ...unread(parsed, status, watch.why), excerpt }, secrets);
	const refusal = watch.why === null ? refusalIn(parsed, response) : null;
	const mayBeBilled = parsed.kind === "cut" || parsed.kind === "unreadable";
	return { outcome: { ok: false, failure: { ...failure, logId, usage: parsed.usage, mayBeBilled } }, refusal };
}

/** An error in a stream is none: text may have come before it. */
function refusalIn(parsed: ParsedResponse, { status, headers }: Response): CallEnd["refusal"] {
	const isStream = headers.get("content-type")?.includes("event-stream") ?? false;
	if (parsed.kind === "error") return isStream ? null : memberRefusalOf(status, parsed.body);
	return parsed.kind === "nothing" && parsed.isEmpty ? "empty" : null;
}

/** Values for what the provider left out. The id leads back to the job. */
function defaultsFor(call: ModelCall, runtime: Pick<Runtime, "now">): CompletionDefaults {
	return { id: `chatcmpl-${call.jobId}`, created: Math.floor(runtime.now() / 1000), model: call.model };
}

function choicesRequested(call: ModelCall): number {
	const n = call.input.get("n");
	return typeof n === "number" && n >= 1 ? Math.floor(n) : 1;
}

function unread(
	parsed: Extract<ParsedResponse, { kind: "unreadable" | "cut" | "nothing" }>,
	status: number,
	why: GivenUp | null,
): ModelFailure {
	if (parsed.kind === "unreadable") {
		return newFailure({ class: "permanent", code: "answer_unreadable", message: parsed.why, status });
	}
	const code = parsed.kind === "nothing" ? "answer_empty" : "stream_cut";
	return why === null ? transient(code, parsed.why, status) : givenUp(why, status);
}

function givenUp(why: GivenUp, status: number | null): ModelFailure {
	switch (why) {
		case "timed_out":
			return cut(why, "The provider did not complete its response within the time limit.", status);
		case "stalled":
			return transient(why, "The provider stopped sending data mid-response.", status);
		case "aborted":
			return cut(why, "The call was aborted before the response completed.", status);
	}
}

/** Shows only the network's error code, such as ECONNREFUSED: messages may quote addresses. */
function unreachable(error: unknown): ModelFailure {
	const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
	const code =
		cause instanceof Error && "code" in cause && typeof cause.code === "string" ? ` (${cleanMessage(cause.code)})` : "";
	const message = `The provider could not be reached, or the connection broke before it responded${code}.`;
	return transient("unreachable", message, null);
}

function transient(code: FailureCode, message: string, status: number | null): ModelFailure {
	return newFailure({ class: "transient", code, message, status });
}

/** By `timeout_seconds`, the deadline, a cancellation or a lost lease. */
function cut(code: FailureCode, message: string, status: number | null): ModelFailure {
	return newFailure({ class: "transient", code, message, status, isCut: true, mayBeBilled: true });
}

/** Removes our keys, which some providers quote, and from the excerpt whatever else is the operator's. */
function withoutSecrets(failure: ModelFailure, secrets: readonly string[]): ModelFailure {
	let { providerCode, message, excerpt } = failure;
	for (const secret of secrets) {
		if (secret === "") continue;
		message = message.replaceAll(secret, "[secret]");
		excerpt = excerpt === null ? null : withoutStartOf(secret, excerpt.replaceAll(secret, "[secret]"));
		if (providerCode?.includes(secret)) providerCode = null;
	}
	return { ...failure, providerCode, message, excerpt: excerpt === null ? null : withoutAccount(excerpt) };
}

/** An excerpt may end in the middle of a key. */
function withoutStartOf(secret: string, text: string): string {
	for (let length = secret.length - 1; length > 3; length--)
		if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length);
	return text;
}
