/**
 * Adds to a call what its caller did not ask for, and takes it back where the provider refuses it: the job must not fail for
 * what we added. Such an upstream is remembered as long as the isolate lives, so that it costs one refused call.
 */

import { plainInput, streamedInput } from "../core/chat/upstream-input.ts";
import { mayUseCache } from "../core/jobs/job.ts";
import type { ModelRoute } from "../core/upstreams/model-routes.ts";
import type { ModelCall, ModelOutcome } from "./port.ts";

export interface CallEnd {
	outcome: ModelOutcome;
	/** A 400 or 422 that names the stream or its options, or a 200 that holds nothing, as some models of Workers AI respond. */
	refusesStream: boolean;
}

/** Callers choose the names of models that a route with a wildcard serves. */
const MODELS_MAX = 100;

/** By route, of which an isolate parses one each: a new configuration begins without. */
const refusing = new WeakMap<ModelRoute, Set<string>>();

const REMARK = "The provider refused the stream requested by default, so the call was repeated without it.";

export async function callStreamed(
	call: ModelCall,
	callOnce: (call: ModelCall) => Promise<CallEnd>,
): Promise<ModelOutcome> {
	const { route, model } = call;
	const plain = plainInput(route, call.input);
	// The gateway caches no streams.
	const isCached = plain.stream === undefined && mayUseCache(call.gateway);
	const mayAdd = !isCached && refusing.get(route)?.has(model) !== true;
	const input = mayAdd ? streamedInput(route, route.rename ?? model, plain) : plain;
	const first = await callOnce({ ...call, input });
	if (input === plain || !first.refusesStream) return first.outcome;
	const { outcome } = await callOnce({ ...call, input: plain });
	const isRefusedAgain = !outcome.ok && (outcome.failure.status === 400 || outcome.failure.status === 422);
	if (!isRefusedAgain) remember(route, model);
	if (outcome.ok) return { ok: true, response: { ...outcome.response, remark: REMARK } };
	const { failure } = outcome;
	return { ok: false, failure: { ...failure, message: `${failure.message} ${REMARK}` } };
}

function remember(route: ModelRoute, model: string): void {
	const models = refusing.get(route) ?? new Set();
	if (models.size >= MODELS_MAX) models.clear();
	refusing.set(route, models.add(model));
}
