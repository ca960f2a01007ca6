/**
 * The port to the models: one call in, an outcome out, never an exception. Every provider answers with an HTTP
 * `Response` (the simulated one makes its own), so that one reader classifies and assembles them all.
 */

import type { ChatCompletion } from "../core/chat/chat-completion.ts";
import type { GatewaySettings } from "../core/jobs/job.ts";
import type { JsonObject } from "../core/json/json.ts";
import type { ModelFailure, Usage } from "../core/upstreams/failures.ts";
import type { ModelRoute } from "../core/upstreams/model-routes.ts";

export interface ModelCall {
	/** The name the caller gave; the route may rename it on its way out. */
	model: string;
	route: ModelRoute;
	/** The validated chat completion body, unlisted fields included. */
	input: JsonObject;
	/**
	 * How many calls were made for this job before, counted as attempts or not, on any model. Steers the simulated
	 * provider; goes to no one else.
	 */
	callsBefore: number;
	/** How long the whole call may take, its answer included. */
	timeoutMs: number;
	tenantId: string;
	jobId: string;
	gateway: GatewaySettings | null;
}

export type ModelOutcome = { ok: true; response: ModelResponse } | { ok: false; failure: ModelFailure };

export interface ModelResponse {
	/** A chat completion, valid against the published output schema, as it will be stored. */
	completion: ChatCompletion;
	/** Null where the provider did not say: never invented. */
	usage: Usage | null;
	/** HTTP status of the provider's answer. */
	status: number;
	logId: string | null;
}

/**
 * What a provider got: a raw answer of any status, or a failure where no call could be made. `secrets` are the values
 * sent along, so that none of them shows in a message that quotes the request.
 */
export type ProviderReply =
	| { ok: true; response: Response; secrets: readonly string[] }
	| { ok: false; failure: ModelFailure };

/** One provider: carries the call out. Rejects when the network does or `signal` aborts. */
export type Provider = (call: ModelCall, signal: AbortSignal) => Promise<ProviderReply>;

/**
 * Calls a model. Resolves to a failure, not a rejection, whatever goes wrong. Out of time is `timed_out`; an abort of
 * `signal` is `aborted`. A response that was complete by then still counts.
 */
export type CallModel = (call: ModelCall, signal: AbortSignal) => Promise<ModelOutcome>;
