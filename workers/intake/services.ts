/** What intake works with, and what its middleware has found out about a request. */
import type { Config } from "../../shared/core/config.ts";
import type { Json } from "../../shared/core/json/json.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import type { HostCache } from "../../shared/webhooks/host-cache.ts";
import type { Bindings } from "../bindings.ts";
import type { KeyCache } from "./auth/key-cache.ts";
import type { RateLimiters, RequestCounters } from "./auth/rate-limiters.ts";

export interface Services extends Bindings, RateLimiters {
	config: Config;
	runtime: Runtime;
	keys: KeyCache;
	counters: RequestCounters;
	hosts: HostCache;
	/** Lets work go on after the answer. It must not matter when it fails. */
	background(work: Promise<void>): void;
}

export interface Caller {
	tenantId: string;
	keyId: string;
	scopes: string[];
}

export type IntakeEnv = {
	/** What `api.fetch` is given with a request. Reading it costs nothing, where each look at `var` makes an object. */
	Bindings: { services: Services; requestId: string };
	Variables: {
		caller: Caller;
		/** The body as it came: the fingerprint of an idempotent request. */
		rawBody: Uint8Array<ArrayBuffer>;
		/** What it says, before any schema. */
		body: Json;
	};
};
