/** What a check is, what it may come to, and how it says what is wrong. */
import type { Caller } from "./caller.ts";
import type { Receiver } from "./receiver.ts";

export type Status = "ok" | "failed" | "only on Cloudflare" | "skipped";

/** `seen`: what was observed, for people. It holds no key, prompt or result. */
export type Outcome = { status: Status; seen: string };

export type Check = {
	/** Of production's list of checks. Two checks may share one. */
	number: number;
	name: string;
	/** Resolves to what was observed if all is well. */
	run(run: Run): Promise<string | Outcome>;
};

export type Options = {
	url: string;
	adminToken: string;
	/** Whether the service is on this machine, as `npm start` runs it. */
	isLocal: boolean;
	/** An httpbin for webhooks. Null: httpbin.org, or for a local service a receiver of this run's own. */
	receiver: string | null;
	model: boolean;
	long: boolean;
	account: boolean;
	/** The installation to look for in the account. Null: by the service's URL. */
	name: string | null;
	/** The numbers of the checks to run; empty: all. */
	only: readonly number[];
};

/** What the checks of one run share. */
export type Run = {
	/** Unique, so that two runs at the same time share no name. */
	id: string;
	options: Options;
	signal: AbortSignal;
	operator: Caller;
	/** Sends no key. */
	keyless: Caller;
	/** A tenant without limits. */
	tenant: Caller;
	/** Another tenant, whose `running_jobs` is 1. */
	narrowTenant: Caller;
	receiver: Receiver;
	/** The id of the narrow tenant's long job, which two checks share. Null: neither has submitted it. */
	longJob: Promise<string> | null;
};

export const onlyOnCloudflare = (seen: string): Outcome => ({ status: "only on Cloudflare", seen });
export const skipped = (seen: string): Outcome => ({ status: "skipped", seen });

/** Short, because half of what a receiver echoes of a webhook is kept. */
export const MODEL = "simulated/v";

/** A prompt of `characters`, which the simulated provider counts by fours. */
export const prompt = (characters = 8) => [{ role: "user", content: "x".repeat(characters) }];

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
