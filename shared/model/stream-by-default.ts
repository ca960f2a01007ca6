/**
 * Adds to a call what its caller did not ask for, and takes it back where the provider refuses it: the job must not fail for
 * what we added. Models that get on only without are remembered as long as the isolate lives.
 */

import { plainInput, streamedInput } from "../core/chat/upstream-input.ts";
import { mayUseCache } from "../core/jobs/job.ts";
import type { ModelRoute } from "../core/upstreams/model-routes.ts";
import type { StreamRefusal } from "../core/upstreams/provider-error.ts";
import type { ModelCall, ModelOutcome } from "./port.ts";

export interface CallEnd {
	outcome: ModelOutcome;
	/** `empty`: a 2xx that holds nothing, as some models of Workers AI respond to what they cannot stream. */
	refusal: StreamRefusal | "empty" | null;
}

/** Callers choose the names of models that a route with a wildcard serves. */
const MODELS_MAX = 100;

/**
 * By route, of which an isolate parses one each, so that a new configuration begins without; then by model: the one job that
 * got on only without a stream, or `all`: every call goes without. A single job may have been refused for its own input.
 */
const withoutStream = new WeakMap<ModelRoute, Map<string, { jobId: string } | "all">>();

const STREAM_REFUSED = "The provider refused the stream requested by default, so the call was repeated without it.";
const STREAM_EMPTY = "The stream requested by default held nothing, so the call was repeated without it.";
const OPTIONS_REFUSED = "The provider refused `stream_options`, so the call was repeated without it.";

export async function callStreamed(
	call: ModelCall,
	callOnce: (call: ModelCall) => Promise<CallEnd>,
): Promise<ModelOutcome> {
	const { route, model } = call;
	const plain = plainInput(route, call.input);
	const isDefault = plain.get("stream") === undefined;
	// The gateway caches no streams.
	const isCached = isDefault && mayUseCache(call.gateway);
	const mayAdd = !isCached && withoutStream.get(route)?.get(model) !== "all";
	const input = mayAdd ? streamedInput(route, route.rename ?? model, plain) : plain;
	const first = await callOnce({ ...call, input });
	if (input === plain) return first.outcome;
	// Tokens that a stream does not count would be missing from `tokens_per_day`.
	if (isDefault && first.outcome.ok && first.outcome.response.usage === null) remember(route, model, "all");
	if (!isRepeated(first, route, isDefault)) return first.outcome;
	const { outcome } = await callOnce({ ...call, input: plain });
	const remark = remarkOn(first, isDefault);
	if (outcome.ok) {
		rememberJob(call);
		return { ok: true, response: { ...outcome.response, remark } };
	}
	const { failure } = outcome;
	return { ok: false, failure: { ...failure, message: `${failure.message} ${remark}` } };
}

/** A repeated call costs nothing: the first was refused, or brought nothing. */
function isRepeated({ refusal }: CallEnd, { provider }: ModelRoute, isDefault: boolean): boolean {
	switch (refusal) {
		case "stream":
			return true;
		case "field":
			return provider === "openai-compatible";
		case "empty":
			return isDefault;
		case null:
			return false;
	}
}

function remarkOn({ refusal }: CallEnd, isDefault: boolean): string {
	if (!isDefault) return OPTIONS_REFUSED;
	return refusal === "empty" ? STREAM_EMPTY : STREAM_REFUSED;
}

function rememberJob({ route, model, jobId }: ModelCall): void {
	const known = withoutStream.get(route)?.get(model);
	const isSecond = known !== undefined && known !== "all" && known.jobId !== jobId;
	remember(route, model, isSecond ? "all" : { jobId });
}

function remember(route: ModelRoute, model: string, who: { jobId: string } | "all"): void {
	const models = withoutStream.get(route) ?? new Map();
	if (models.size >= MODELS_MAX) models.clear();
	withoutStream.set(route, models.set(model, who));
}
