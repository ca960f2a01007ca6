/** What intake works with, and what its middleware adds to a request. */
import type { Config } from "../../shared/core/config.ts";
import type { Json } from "../../shared/core/json/json.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import type { HostCache } from "../../shared/webhooks/host-cache.ts";
import type { Bindings } from "../bindings.ts";
import type { KeyCache } from "./auth/key-cache.ts";
import type { RateLimiters, RequestCounters } from "./auth/rate-limiters.ts";
import type { Waits } from "./http/waits.ts";
import type { SubmissionLoad } from "./jobs/submission-load.ts";

export interface Services extends Bindings, RateLimiters {
	config: Config;
	runtime: Runtime;
	keys: KeyCache;
	counters: RequestCounters;
	hosts: HostCache;
	submissionLoad: SubmissionLoad;
	waits: Waits;
	/** Runs work after the response. Its failure must not matter. */
	background(work: Promise<void>): void;
}

export interface Caller {
	tenantId: string;
	keyId: string;
	scopes: string[];
	/** How many of the tenant's requests may wait at once. Null: any number. */
	waits: number | null;
}

export type IntakeEnv = {
	/** Passed to `api.fetch` with the request. Cheaper than variables: each access to `c.var` creates an object. */
	Bindings: { services: Services; requestId: string };
	Variables: {
		caller: Caller;
		/** The body's bytes, for the fingerprint of an idempotent request. */
		rawBody: Uint8Array<ArrayBuffer>;
		/** The parsed body, before any schema. */
		body: Json;
	};
};
