/** What intake works with, and what its middleware adds to a request. */
import type { Config } from "../../shared/core/config.ts";
import type { MemoryBudget } from "../../shared/core/memory-budget.ts";
import type { Runtime } from "../../shared/core/runtime.ts";
import type { HostLimits } from "../../shared/core/webhooks/host-limits.ts";
import type { HostCache } from "../../shared/webhooks/host-cache.ts";
import type { Bindings } from "../bindings.ts";
import type { KeyCache } from "./auth/key-cache.ts";
import type { RateLimiters, RequestCounters } from "./auth/rate-limiters.ts";
import type { Waits } from "./http/waits.ts";
import type { SubmissionLoad } from "./jobs/submission-load.ts";
import type { RecentStats } from "./tenants/recent-stats.ts";

export interface Services extends Bindings, RateLimiters {
	config: Config;
	runtime: Runtime;
	keys: KeyCache;
	counters: RequestCounters;
	hosts: HostCache;
	hostLimits: HostLimits;
	submissionLoad: SubmissionLoad;
	waits: Waits;
	recentStats: RecentStats;
	/** Of this isolate. */
	memory: MemoryBudget;
	/** The HTML of the dashboard. */
	loadDashboard(): Promise<string>;
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

export interface SubmissionBody {
	/** SHA-256 of method, path and body: the same for a repeated request. Null: a repeated one is not recognised. */
	fingerprint: string | null;
	/** The input as the caller wrote it, byte for byte. Null: the body has none. */
	input: Uint8Array | null;
	/** Call this once the body is no longer needed. */
	release(): void;
}

export type IntakeEnv = {
	/** Passed to `api.fetch` with the request. Cheaper than variables: each access to `c.var` creates an object. */
	Bindings: { services: Services; requestId: string };
	Variables: {
		caller: Caller;
		/** The body of a submission; null for others, and once it is released. */
		submission: SubmissionBody | null;
	};
};
