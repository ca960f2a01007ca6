/** What belongs to a tenant beside its jobs and webhooks: keys, usage, the audit log. */
import type { CallOptions, Http } from "./http.ts";
import { Pages } from "./pages.ts";
import type {
	ApiKey,
	ApiKeyList,
	AuditEntry,
	AuditEntryList,
	BacklogList,
	BacklogSample,
	CreateApiKey,
	Model,
	ModelList,
	NewApiKey,
	UsageBucket,
	UsageBucketList,
	UsageDay,
	UsageList,
} from "./schemas.ts";

export interface PageOptions {
	limit?: number;
	after?: string;
	order?: "asc" | "desc";
}

export class Keys {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	/** Its `key` is shown only here. */
	async create(key: CreateApiKey = {}, options: CallOptions = {}): Promise<NewApiKey> {
		return await this.#http.json({ method: "POST", path: "/v1/keys", body: key, isOnce: true, ...options });
	}

	list(page: PageOptions = {}, { signal }: CallOptions = {}): Pages<ApiKey> {
		return new Pages((after = page.after) =>
			this.#http.json<ApiKeyList>({ method: "GET", path: "/v1/keys", query: { ...page, after }, signal }),
		);
	}

	async get(id: string, options: CallOptions = {}): Promise<ApiKey> {
		return await this.#http.json({ method: "GET", path: `/v1/keys/${encodeURIComponent(id)}`, ...options });
	}

	/** Revokes the keys that it created as well. */
	async revoke(id: string, options: CallOptions = {}): Promise<void> {
		await this.#http.send({ method: "DELETE", path: `/v1/keys/${encodeURIComponent(id)}`, ...options });
	}
}

export interface BucketOptions {
	/** `day` by default. */
	by?: "hour" | "day";
	/** A bucket for each model, instead of one for all. */
	eachModel?: boolean;
	/** Days such as 2026-01-02. */
	from?: string;
	to?: string;
	order?: "asc" | "desc";
}

export interface BacklogOptions {
	/** `minute` by default. */
	by?: "minute" | "hour";
	/** The first time, in RFC 3339. */
	since?: string;
	limit?: number;
}

export class Usage {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	/** By UTC day and model. `from` and `to`: days such as 2026-01-02. */
	list(page: PageOptions & { from?: string; to?: string } = {}, { signal }: CallOptions = {}): Pages<UsageDay> {
		return new Pages((after = page.after) =>
			this.#http.json<UsageList>({ method: "GET", path: "/v1/usage", query: { ...page, after }, signal }),
		);
	}

	/** By hour or day, of all models or each: with every final state, costs, and how long jobs waited and ran. */
	buckets(options: BucketOptions = {}, { signal }: CallOptions = {}): Pages<UsageBucket> {
		const { by = "day", eachModel = false, ...page } = options;
		const query = { ...page, bucket: by, ...(eachModel ? { group_by: "model" } : {}) };
		return new Pages((after) =>
			this.#http.json<UsageBucketList>({ method: "GET", path: "/v1/usage", query: { ...query, after }, signal }),
		);
	}
}

export class Backlog {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	/** How many jobs and deliveries were open, oldest first: by the minute, unless `by` says otherwise. */
	list({ by, ...page }: BacklogOptions = {}, { signal }: CallOptions = {}): Pages<BacklogSample> {
		return new Pages((after) =>
			this.#http.json<BacklogList>({
				...{ method: "GET", path: "/v1/backlog", signal },
				query: { ...page, bucket: by, after },
			}),
		);
	}
}

export class Models {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	/** All on one page, each with what keeps its calls from starting. */
	list({ signal }: CallOptions = {}): Pages<Model> {
		return new Pages(() => this.#http.json<ModelList>({ method: "GET", path: "/v1/models", signal }));
	}

	/** Any model that the service can call. */
	async get(name: string, options: CallOptions = {}): Promise<Model> {
		return await this.#http.json({ method: "GET", path: `/v1/models/${encodeURIComponent(name)}`, ...options });
	}
}

export class Audit {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	/** Who created, changed, erased or resent what. */
	list(page: PageOptions = {}, { signal }: CallOptions = {}): Pages<AuditEntry> {
		return new Pages((after = page.after) =>
			this.#http.json<AuditEntryList>({ method: "GET", path: "/v1/audit_log", query: { ...page, after }, signal }),
		);
	}
}
