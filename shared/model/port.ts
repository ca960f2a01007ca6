/**
 * The port to the models: one call in, an outcome out, never an exception. Every provider returns an HTTP `Response` (the
 * simulated one makes its own), so that one reader handles them all.
 */

import type { ChatCompletion } from "../core/chat/chat-completion.ts";
import type { GatewaySettings } from "../core/jobs/job.ts";
import type { JsonBody } from "../core/json/json-body.ts";
import type { ModelFailure, Usage } from "../core/upstreams/failures.ts";
import type { ModelRoute } from "../core/upstreams/model-routes.ts";

export interface ModelCall {
	/** The caller's name for the model; the route may rename it upstream. */
	model: string;
	route: ModelRoute;
	/** The validated chat completion body, unlisted fields included. Providers get it with what `additionsTo` adds. */
	input: JsonBody;
	/** How many calls this job has made before, on any model, counted as attempts or not. Only the simulated provider uses it. */
	callsBefore: number;
	/** How long the whole call may take, including the response. */
	timeoutMs: number;
	tenantId: string;
	jobId: string;
	gateway: GatewaySettings | null;
	/** Called as the response grows. A promise: there is no memory for `chars` characters of it yet, and it is not read on. */
	roomFor(chars: number): Promise<void> | null;
}

export type ModelOutcome = { ok: true; response: ModelResponse } | { ok: false; failure: ModelFailure };

export interface ModelResponse {
	/** A chat completion, valid against the published output schema, as it will be stored. */
	completion: ChatCompletion;
	/** Null if the provider sent no counts: never estimated. */
	usage: Usage | null;
	/** HTTP status of the provider's response. */
	status: number;
	logId: string | null;
	/** A sentence for the history of a call that did not go as usual. */
	remark?: string;
}

/**
 * What a provider returns: a raw response of any status, or a failure if no call could be made. `secrets`: the secret values
 * that were sent, to be removed from messages that quote the request.
 */
export type ProviderReply =
	| { ok: true; response: Response; secrets: readonly string[] }
	| { ok: false; failure: ModelFailure };

/** Makes the call. Rejects if the network fails or `signal` aborts. */
export type Provider = (call: ModelCall, signal: AbortSignal) => Promise<ProviderReply>;

/**
 * Calls a model. Never rejects: every error becomes a failure. A timeout is `timed_out`, an abort of `signal` is `aborted`.
 * A response that was complete by then still counts.
 */
export type CallModel = (call: ModelCall, signal: AbortSignal) => Promise<ModelOutcome>;
