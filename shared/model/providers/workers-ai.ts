/**
 * The AI binding, through an AI Gateway.
 *
 * The rule not to break: `returnRawResponse: true` on every call. The binding keeps the state of a call on an object that
 * overlapping calls share (workerd, `ai-api.ts`): one call without it causes another call's raw response to be returned
 * parsed, and `aiGatewayLogId` or `lastRequestHttpStatusCode` read after an await may belong to another call. A `Response`
 * belongs to its call.
 */

import type { Untranslatable } from "../../core/anthropic/conversion.ts";
import { anthropicRequest, isAnthropic } from "../../core/anthropic/request.ts";
import { mayUseCache } from "../../core/jobs/job.ts";
import type { JsonObject } from "../../core/json/json.ts";
import type { Runtime } from "../../core/runtime.ts";
import { classifyThrown } from "../../core/upstreams/classify-failure.ts";
import { type ModelFailure, newFailure, routeFailure } from "../../core/upstreams/failures.ts";
import { withoutInput } from "../../core/upstreams/quoted-input.ts";
import { toHex, utf8 } from "../../crypto/bytes.ts";
import { deriveKey } from "../../crypto/seal.ts";
import type { ModelCall, Provider } from "../port.ts";

/** What this provider needs of `env.AI`. Called as a method: the binding has private fields. */
export interface AiBinding {
	run(model: string, inputs: JsonObject, options: AiCallOptions): Promise<unknown>;
}

export interface AiCallOptions {
	returnRawResponse: true;
	signal: AbortSignal;
	/** Sent to the gateway with the request. */
	extraHeaders?: Readonly<Record<string, string>>;
	gateway: {
		id: string;
		/** At most five pairs; how a gateway's log leads back to the job. */
		metadata: { job: string; tenant: string };
		/** One attempt: the gateway's retries would multiply with ours. */
		retries: { maxAttempts: 1 };
		collectLog: boolean;
	} & GatewayCache;
}

/** The gateway's own cache key has no tenant. Either ours is sent, or the cache is not used. */
export type GatewayCache = { skipCache: true } | { cacheKey: string /** Seconds. */; cacheTtl?: number };

/** Created by Cloudflare on its first authenticated request. */
const DEFAULT_GATEWAY = "default";

/** Of a log that is kept nevertheless, such as one that a gateway's own setting forces, only the counts are stored. */
const WITHOUT_PAYLOAD = { "cf-aig-collect-log-payload": "false" };

type GatewayRuntime = Pick<Runtime, "now" | "subtle">;

export function workersAi(ai: AiBinding, runtime: GatewayRuntime, signingKey: string): Provider {
	return async function callWorkersAi(call, signal) {
		const model = call.route.rename ?? call.model;
		// The gateway must not find another model beside the one of the route. The binding takes values and serializes them:
		// unlike elsewhere, the input is parsed, which its budget counts.
		const input = call.input.with({ model: undefined }).toObject();
		const inputs = isAnthropic(model) ? anthropicRequest(model, input) : { ok: true as const, body: input };
		if (!inputs.ok) return { ok: false, failure: untranslatable(model, inputs) };
		let result: unknown;
		try {
			result = await ai.run(
				model,
				inputs.body,
				await optionsFor(call, signal, await cacheFor(call, runtime, signingKey)),
			);
		} catch (error) {
			const failure = signal.aborted ? null : failureOf(error, call, runtime.now());
			if (failure === null) throw error;
			return { ok: false, failure };
		}
		// A raw result is always a response; anything else is read as the JSON it would have been.
		const response = result instanceof Response ? result : Response.json(result);
		return { ok: true, response, secrets: [] };
	};
}

/** Final for this model, before any call of it. */
function untranslatable(model: string, { param, problem }: Untranslatable): ModelFailure {
	const message = `${model} cannot be sent input.${param}. ${problem}`;
	return newFailure({ class: "permanent", code: "not_supported", message, isCallMade: false });
}

function optionsFor(call: ModelCall, signal: AbortSignal, cache: GatewayCache): AiCallOptions {
	const { route, jobId, tenantId } = call;
	const collectLog = route.collect_log === true;
	const gateway = {
		id: route.gateway ?? DEFAULT_GATEWAY,
		metadata: { job: jobId, tenant: tenantId },
		retries: { maxAttempts: 1 as const },
		collectLog,
		...cache,
	};
	const headers = collectLog ? {} : { extraHeaders: WITHOUT_PAYLOAD };
	return { gateway, returnRawResponse: true, signal, ...headers };
}

/**
 * A key as the job's tenant has it: no other tenant's request finds its response. It reveals nothing of the prompt, and without the
 * signing key it tests no guess of it.
 */
async function cacheFor(call: ModelCall, runtime: GatewayRuntime, signingKey: string): Promise<GatewayCache> {
	const { gateway, tenantId, model, route, input } = call;
	if (!mayUseCache(gateway)) return { skipCache: true };
	const request = [tenantId, model, route, input.with({ model: undefined }).toObject()];
	const key = await deriveKey(runtime, signingKey, "HMAC", "sign");
	const mac = await runtime.subtle.sign("HMAC", key, utf8(`cache ${JSON.stringify(request)}`));
	const cacheKey = toHex(new Uint8Array(mac));
	return gateway?.cacheTtlSeconds ? { cacheKey, cacheTtl: gateway.cacheTtlSeconds } : { cacheKey };
}

/** Null: a network error, which the caller classifies. */
function failureOf(error: unknown, { input }: ModelCall, nowMs: number): ModelFailure | null {
	const message = error instanceof Error ? error.message : "";
	// Thrown by wrangler's local binding. Retries cannot help.
	if (/needs to be run remotely/.test(message)) {
		const advice = "give the model another route in MODEL_ROUTES";
		return routeFailure("route_misconfigured", `Workers AI cannot be reached from a local start; ${advice}.`);
	}
	return classifyThrown(message, { nowMs, withoutInput: (text) => withoutInput(text, input.original) });
}
