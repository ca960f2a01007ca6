/**
 * The port to the models: one call in, an outcome out, never an exception. Every provider answers with an HTTP
 * `Response` (the simulated one makes its own), so that one reader judges and assembles them all.
 */
import type { ModelFailure, Usage } from "../core/failures.ts";
import type { JsonObject } from "../core/json.ts";
import type { ModelRoute } from "../core/model-routes.ts";

export interface ModelCall {
	/** The name the caller gave; the route may rename it on its way out. */
	model: string;
	route: ModelRoute;
	/** The validated chat completion body, unlisted fields included. */
	input: JsonObject;
	/** Which counted attempt on this model this is, from 1. Steers the simulated provider; goes to no one else. */
	attempt: number;
	tenantId: string;
	jobId: string;
	gateway: GatewayOptions | null;
}

/** Options of the AI Gateway for one job; providers that have no gateway ignore them. */
export interface GatewayOptions {
	cacheTtlSeconds: number | null;
	skipCache: boolean | null;
}

export type ModelOutcome = { ok: true; answer: ModelAnswer } | { ok: false; failure: ModelFailure };

export interface ModelAnswer {
	/** A chat completion, valid against the published output schema, as it will be stored. */
	completion: JsonObject;
	/** Null where the provider did not say: never invented. */
	usage: Usage | null;
	/** HTTP status of the provider's answer. */
	status: number;
	logId: string | null;
}

/** One provider: carries the call out and hands back the raw answer. Rejects when the network does or `signal` aborts. */
export type Provider = (call: ModelCall, signal: AbortSignal) => Promise<Response>;

/** Asks a model. Resolves to a failure, not a rejection, whatever goes wrong; an abort is `timed_out`. */
export type AskModel = (call: ModelCall, signal: AbortSignal) => Promise<ModelOutcome>;
