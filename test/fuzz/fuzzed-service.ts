/** The service in the hands of a fuzzer, wherever it runs. */
import type { Scope } from "../../shared/core/tenants/api-key.ts";

export interface Answer {
	status: number;
	headers: Headers;
	text: string;
	/** By the request itself, as far as the place where the service runs can measure. */
	rowsChanged: number;
}

export interface Account {
	tenantId: string;
	/** With all scopes. */
	key: string;
	/** With one. */
	keyWith: Record<Scope, string>;
}

export interface FuzzedService {
	readonly adminToken: string;
	/** What broke inside, whatever the outside saw. */
	readonly troubles: string[];
	/** A new tenant, with a key for every need. */
	open(name: string): Promise<Account>;
	ask(request: Request): Promise<Answer>;
	/** Lets time pass: jobs run, webhooks are sent. */
	wait(ms: number): Promise<void>;
	end(): void;
}
