/** Made of the API's schemas by `npm run client:types`. Do not edit. */

export type WebhookEndpointWithSecret = WebhookEndpoint & {
	/**
	 * Shown only once.
	 */
	signing_secret: string;
};
export type NewApiKey = ApiKey & {
	/**
	 * Shown only once. Only its hash is stored.
	 */
	key: string;
};
/**
 * From when a job was due to its first start.
 */
export type Histogram = {
	/**
	 * In seconds, estimated from the counts, and at most 3000. Null: there are no jobs.
	 */
	p50: number | null;
	/**
	 * In seconds, estimated from the counts, and at most 3000. Null: there are no jobs.
	 */
	p95: number | null;
	/**
	 * In seconds, estimated from the counts, and at most 3000. Null: there are no jobs.
	 */
	p99: number | null;
	/**
	 * How many jobs took less than 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000 seconds, each without those before, and how many took longer.
	 */
	counts: number[];
} | null;

export interface Schemas {
	Job?: Job;
	StoredInput?: StoredInput;
	ChatCompletion?: ChatCompletion;
	Attempt?: Attempt;
	Delivery?: Delivery;
	JobReference?: JobReference;
	Error?: Error;
	SubmitJob?: SubmitJob;
	ChatInput?: ChatInput;
	JobList?: JobList;
	AttemptList?: AttemptList;
	DeliveryList?: DeliveryList;
	RetryJob?: RetryJob;
	ChatCompletionAnswer?: ChatCompletionAnswer;
	HoldfastFacts?: HoldfastFacts;
	CreateChatCompletion?: CreateChatCompletion;
	HoldfastExtension?: HoldfastExtension;
	Response?: Response;
	CreateResponse?: CreateResponse;
	ChatCompletionList?: ChatCompletionList;
	UpdateChatCompletion?: UpdateChatCompletion;
	ChatCompletionDeleted?: ChatCompletionDeleted;
	ChatMessageList?: ChatMessageList;
	WebhookEndpointWithSecret?: WebhookEndpointWithSecret;
	WebhookEndpoint?: WebhookEndpoint;
	CreateWebhookEndpoint?: CreateWebhookEndpoint;
	WebhookEndpointList?: WebhookEndpointList;
	UpdateWebhookEndpoint?: UpdateWebhookEndpoint;
	DeletedWebhookEndpoint?: DeletedWebhookEndpoint;
	WebhookEventTypeList?: WebhookEventTypeList;
	WebhookEndpointTest?: WebhookEndpointTest;
	TestWebhookEndpoint?: TestWebhookEndpoint;
	DeliveryPage?: DeliveryPage;
	WebhookEndpointRecovery?: WebhookEndpointRecovery;
	RecoverWebhookEndpoint?: RecoverWebhookEndpoint;
	DeliveryReference?: DeliveryReference;
	RedeliveryList?: RedeliveryList;
	WebhookSigningSecret?: WebhookSigningSecret;
	RotateSecret?: RotateSecret;
	AuditEntryList?: AuditEntryList;
	AuditEntry?: AuditEntry;
	Session?: Session;
	CreateSession?: CreateSession;
	NewApiKey?: NewApiKey;
	ApiKey?: ApiKey;
	CreateApiKey?: CreateApiKey;
	ApiKeyList?: ApiKeyList;
	UsageList?: UsageList;
	UsageDay?: UsageDay;
	UsageBucketList?: UsageBucketList;
	UsageBucket?: UsageBucket;
	Histogram?: Histogram;
	BacklogList?: BacklogList;
	BacklogSample?: BacklogSample;
	ModelList?: ModelList;
	Model?: Model;
	Count?: Count;
	Stats?: Stats;
	Tenant?: Tenant;
	CreateTenant?: CreateTenant;
	TenantList?: TenantList;
	UpdateTenant?: UpdateTenant;
	Status?: Status;
	OperatorSession?: OperatorSession;
	CreateOperatorSession?: CreateOperatorSession;
}
export interface Job {
	id: string;
	object: "job";
	status: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "expired";
	/**
	 * Why the job is in this state: a stable code, or null.
	 */
	status_reason: string | null;
	/**
	 * The model that was called last, is being called, or will be called next.
	 */
	model: string;
	/**
	 * The models to try, in order.
	 */
	models: string[];
	/**
	 * Counted attempts on `model`, including the one in flight.
	 */
	attempt: number;
	max_attempts: number;
	priority: number;
	created_at: string;
	run_at: string;
	started_at: string | null;
	/**
	 * When the call in flight started. Null unless the job is running.
	 */
	attempt_started_at: string | null;
	finished_at: string | null;
	deadline_at: string;
	/**
	 * The earliest time of a queued job's next attempt.
	 */
	next_attempt_at: string | null;
	/**
	 * Tokens spent over all attempts, as reported by the provider.
	 */
	usage: {
		prompt_tokens: number;
		completion_tokens: number;
		total_tokens: number;
		/**
		 * How many of the total are estimates, for calls that may be charged for and whose usage is unknown. Only where the tenant has a limit `tokens_per_day`.
		 */
		estimated_tokens?: number;
	} | null;
	/**
	 * What `usage` costs in US dollars, by the price of `model`. Null: no price is set, or nothing is used.
	 */
	cost_usd: number | null;
	/**
	 * What went wrong. Null unless the job failed or expired.
	 */
	error: {
		/**
		 * A stable code: what kind of failure it is.
		 */
		code: string;
		message: string;
		/**
		 * HTTP status of the provider's response, if there was one.
		 */
		status: number | null;
		/**
		 * The model of the last call.
		 */
		model: string | null;
	} | null;
	/**
	 * URL of the stored completion. Null unless the job succeeded.
	 */
	result_url: string | null;
	metadata: {
		[k: string]: string | undefined;
	};
	webhook: {
		url: string;
		events: string[] | null;
		payload: "full" | "thin";
	} | null;
	/**
	 * The OpenAI-compatible route that the job came by. Null: by a route of jobs.
	 */
	door: "chat" | "responses" | null;
	/**
	 * The id of the job that this one retries.
	 */
	retry_of: string | null;
	/**
	 * When the job was cancelled. `too_late`: the job was final; only in the response to a cancellation.
	 */
	cancellation: "before_start" | "in_flight" | "too_late" | null;
	/**
	 * Time for one attempt.
	 */
	timeout_seconds: number;
	/**
	 * How long the job is kept once it is final.
	 */
	retain_seconds: number;
	/**
	 * The job's options of the AI Gateway.
	 */
	gateway: {
		cache_ttl: number | null;
		skip_cache: boolean | null;
	} | null;
	/**
	 * Size of the input.
	 */
	input_bytes: number;
	/**
	 * Size of the stored completion.
	 */
	result_bytes: number | null;
	/**
	 * Increases with every change. Also the ETag.
	 */
	version: number;
	input?: StoredInput;
	/**
	 * With `include=result`. Null unless the job succeeded. In a list also null if it has more than 1 MiB, or if it would bring those of the page above 4 MiB: get it from `result_url`.
	 */
	result?: ChatCompletion | null;
	/**
	 * With `include=attempts`.
	 */
	attempts?: Attempt[];
	/**
	 * With `include=deliveries`.
	 */
	deliveries?: Delivery[];
}
/**
 * With `include=input`. As `GET /v1/jobs/{id}/input` returns it.
 */
export interface StoredInput {
	messages?: {
		role: "system" | "developer" | "user" | "assistant" | "tool";
		content?: string | null | unknown[];
		[k: string]: unknown | undefined;
	}[];
	[k: string]: unknown | undefined;
}
export interface ChatCompletion {
	id: string;
	object: string;
	created: number;
	model: string;
	choices: {
		index: number;
		message: {
			role: string;
			content?: string | null;
			tool_calls?: {
				[k: string]: unknown | undefined;
			}[];
			[k: string]: unknown | undefined;
		};
		finish_reason: string | null;
		[k: string]: unknown | undefined;
	}[];
	usage?: {
		prompt_tokens: number;
		completion_tokens: number;
		total_tokens: number;
		[k: string]: unknown | undefined;
	};
	[k: string]: unknown | undefined;
}
export interface Attempt {
	number: number;
	/**
	 * Whether it counts towards `max_attempts`.
	 */
	counted: boolean;
	model: string;
	provider: string | null;
	started_at: string;
	ended_at: string;
	/**
	 * `succeeded`, or the class of the failure.
	 */
	outcome: string;
	/**
	 * HTTP status of the provider's response.
	 */
	status: number | null;
	/**
	 * Why the call failed: `invalid_request`, `request_too_large`, `context_length_exceeded`, `not_supported`, `content_refused`, `model_not_found`, `model_not_available`, `model_not_served`, `route_misconfigured`, `redirected`, `unauthorized`, `forbidden`, `quota_exhausted`, `rate_limited`, `server_error`, `overloaded`, `unavailable`, `provider_timeout`, `connection_closed`, `unreachable`, `timed_out`, `stalled`, `aborted`, `stream_cut`, `answer_empty`, `answer_unreadable`. Null: it did not fail.
	 */
	code: string | null;
	/**
	 * The provider's own code or type, as it sent it.
	 */
	provider_code: string | null;
	/**
	 * What the provider said, without what it quoted of the input, and without ids and keys of its account.
	 */
	message: string | null;
	/**
	 * The first 2 KiB of a response that could not be stored.
	 */
	excerpt: string | null;
	/**
	 * How long the provider requested to wait, in milliseconds.
	 */
	retry_after_ms: number | null;
	/**
	 * The AI Gateway's log of this call.
	 */
	log_id: string | null;
	/**
	 * Tokens spent over all attempts, as reported by the provider.
	 */
	usage: {
		prompt_tokens: number;
		completion_tokens: number;
		total_tokens: number;
		/**
		 * How many of the total are estimates, for calls that may be charged for and whose usage is unknown. Only where the tenant has a limit `tokens_per_day`.
		 */
		estimated_tokens?: number;
	} | null;
}
export interface Delivery {
	id: string;
	object: "delivery";
	/**
	 * Sent as `webhook-id`.
	 */
	event_id: string;
	event_type: string;
	/**
	 * Null for an event that is not about a job.
	 */
	job_id: string | null;
	/**
	 * Null for the job's own webhook.
	 */
	endpoint_id: string | null;
	url: string;
	status: "pending" | "delivered" | "exhausted" | "skipped";
	/**
	 * When the event occurred.
	 */
	created_at: string;
	next_attempt_at: string | null;
	attempts: {
		at: string;
		duration_ms: number;
		status: number | null;
		error: string | null;
		response: string | null;
	}[];
}
export interface JobReference {
	id: string;
	object: "job";
	status: "queued" | "running" | "succeeded" | "failed" | "cancelled" | "expired";
}
export interface Error {
	error: {
		message: string;
		type: string;
		code: string;
		param: string | null;
		request_id: string;
	};
}
export interface SubmitJob {
	/**
	 * One model, or up to four: when one fails for good, is blocked or has used up its attempts, the next is called. DEFAULT_MODEL by default.
	 */
	model?: string | [string] | [string, string] | [string, string, string] | [string, string, string, string];
	input: ChatInput;
	webhook?: {
		/**
		 * https only. Redirects are not followed.
		 */
		url: string;
		/**
		 * By default, the four events of final jobs. `job.*` stands for all events, including `job.started`.
		 *
		 * @minItems 1
		 * @maxItems 6
		 */
		events?:
			| ["job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ];
		/**
		 * `thin` sends id, object and status only.
		 */
		payload?: "full" | "thin";
	};
	/**
	 * Of a tenant's waiting jobs, those with the highest priority run first. 5 by default.
	 */
	priority?: number;
	/**
	 * Options of the AI Gateway for this job. Other providers ignore them. The gateway's cache is used only if `cache_ttl` or `skip_cache: false` requests it, and never across tenants.
	 */
	gateway?: {
		/**
		 * Seconds.
		 */
		cache_ttl?: number;
		skip_cache?: boolean;
	};
	metadata?: {
		[k: string]: string | undefined;
	};
	/**
	 * Do not run before this time, at most 30 days ahead.
	 */
	run_at?: string;
	/**
	 * Do not run before this many seconds after submission.
	 */
	delay_seconds?: number;
	/**
	 * Time from submission, or `run_at`, to a final state. 86,400 (one day) by default.
	 */
	deadline_seconds?: number;
	/**
	 * Time for one attempt. 600 by default.
	 */
	timeout_seconds?: number;
	/**
	 * 5 by default.
	 */
	max_attempts?: number;
	/**
	 * How long job, input and result are kept once the job is final, at least 20 minutes from its submission. 2,592,000 (30 days) by default.
	 */
	retain_seconds?: number;
}
/**
 * The body of a chat completion. Fields that are not listed pass through unchanged.
 */
export interface ChatInput {
	messages: {
		role: "system" | "developer" | "user" | "assistant" | "tool";
		content?: string | null | unknown[];
		[k: string]: unknown | undefined;
	}[];
	temperature?: number;
	max_tokens?: number;
	max_completion_tokens?: number;
	top_p?: number;
	frequency_penalty?: number;
	presence_penalty?: number;
	stream?: boolean;
	stream_options?: {
		include_usage?: boolean;
	};
	tools?: unknown[];
	tool_choice?: unknown;
	response_format?: unknown;
	[k: string]: unknown | undefined;
}
export interface JobList {
	object: "list";
	data: Job[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
	next_after: string | null;
}
export interface AttemptList {
	object: "list";
	data: Attempt[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface DeliveryList {
	object: "list";
	data: Delivery[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface RetryJob {
	/**
	 * One model, or up to four: when one fails for good, is blocked or has used up its attempts, the next is called. DEFAULT_MODEL by default.
	 */
	model?: string | [string] | [string, string] | [string, string, string] | [string, string, string, string];
	input?: ChatInput;
	webhook?: {
		/**
		 * https only. Redirects are not followed.
		 */
		url: string;
		/**
		 * By default, the four events of final jobs. `job.*` stands for all events, including `job.started`.
		 *
		 * @minItems 1
		 * @maxItems 6
		 */
		events?:
			| ["job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ];
		/**
		 * `thin` sends id, object and status only.
		 */
		payload?: "full" | "thin";
	};
	/**
	 * Of a tenant's waiting jobs, those with the highest priority run first. 5 by default.
	 */
	priority?: number;
	/**
	 * Options of the AI Gateway for this job. Other providers ignore them. The gateway's cache is used only if `cache_ttl` or `skip_cache: false` requests it, and never across tenants.
	 */
	gateway?: {
		/**
		 * Seconds.
		 */
		cache_ttl?: number;
		skip_cache?: boolean;
	};
	metadata?: {
		[k: string]: string | undefined;
	};
	/**
	 * Do not run before this time, at most 30 days ahead.
	 */
	run_at?: string;
	/**
	 * Do not run before this many seconds after submission.
	 */
	delay_seconds?: number;
	/**
	 * Time from submission, or `run_at`, to a final state. 86,400 (one day) by default.
	 */
	deadline_seconds?: number;
	/**
	 * Time for one attempt. 600 by default.
	 */
	timeout_seconds?: number;
	/**
	 * 5 by default.
	 */
	max_attempts?: number;
	/**
	 * How long job, input and result are kept once the job is final, at least 20 minutes from its submission. 2,592,000 (30 days) by default.
	 */
	retain_seconds?: number;
}
export interface ChatCompletionAnswer {
	id: string;
	object: string;
	created: number;
	model: string;
	choices: {
		index: number;
		message: {
			role: string;
			content?: string | null;
			tool_calls?: {
				[k: string]: unknown | undefined;
			}[];
			[k: string]: unknown | undefined;
		};
		finish_reason: string | null;
		[k: string]: unknown | undefined;
	}[];
	usage?: {
		prompt_tokens: number;
		completion_tokens: number;
		total_tokens: number;
		[k: string]: unknown | undefined;
	};
	metadata: {
		[k: string]: string | undefined;
	};
	holdfast: HoldfastFacts;
	[k: string]: unknown | undefined;
}
export interface HoldfastFacts {
	/**
	 * The job behind the answer: see `GET /v1/jobs/{id}`.
	 */
	job_id: string;
	/**
	 * How many attempts its model took.
	 */
	attempts: number;
	/**
	 * The model that answered, by the name that the request gave it.
	 */
	model: string;
}
export interface CreateChatCompletion {
	/**
	 * DEFAULT_MODEL by default.
	 */
	model?: string | null;
	/**
	 * @minItems 1
	 */
	messages: [
		{
			role: "system" | "developer" | "user" | "assistant" | "tool";
			content?: string | null | unknown[];
			[k: string]: unknown | undefined;
		},
		...{
			role: "system" | "developer" | "user" | "assistant" | "tool";
			content?: string | null | unknown[];
			[k: string]: unknown | undefined;
		}[]
	];
	stream?: boolean | null;
	stream_options?: {
		include_usage?: boolean | null;
		[k: string]: unknown | undefined;
	} | null;
	n?: number | null;
	/**
	 * Whether `GET /v1/chat/completions` lists the answer.
	 */
	store?: boolean | null;
	metadata?: {
		[k: string]: string | undefined;
	} | null;
	holdfast?: HoldfastExtension;
	[k: string]: unknown | undefined;
}
/**
 * Options of the job behind the request. Never sent to the model.
 */
export interface HoldfastExtension {
	/**
	 * Called after `model`, in this order.
	 *
	 * @minItems 1
	 * @maxItems 4
	 */
	models?: [string] | [string, string] | [string, string, string] | [string, string, string, string];
	/**
	 * As for jobs. 7 by default.
	 */
	priority?: number;
	/**
	 * Time to a final state, at most a day. 3,600 (an hour) by default.
	 */
	deadline_seconds?: number;
	/**
	 * Time for one attempt. 600 by default.
	 */
	timeout_seconds?: number;
	/**
	 * 5 by default.
	 */
	max_attempts?: number;
	/**
	 * How long job, input and result are kept once the job is final, at least 20 minutes from its submission. 2,592,000 (30 days) by default.
	 */
	retain_seconds?: number;
	/**
	 * Options of the AI Gateway for this job. Other providers ignore them. The gateway's cache is used only if `cache_ttl` or `skip_cache: false` requests it, and never across tenants.
	 */
	gateway?: {
		/**
		 * Seconds.
		 */
		cache_ttl?: number;
		skip_cache?: boolean;
	};
	webhook?: {
		/**
		 * https only. Redirects are not followed.
		 */
		url: string;
		/**
		 * By default, the four events of final jobs. `job.*` stands for all events, including `job.started`.
		 *
		 * @minItems 1
		 * @maxItems 6
		 */
		events?:
			| ["job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ]
			| [
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*",
					"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "job.*"
			  ];
		/**
		 * `thin` sends id, object and status only.
		 */
		payload?: "full" | "thin";
	};
	/**
	 * Whether the job goes on when the connection breaks. It does by default, so that a retry gets the answer. `cancel` is best effort.
	 */
	on_disconnect?: "continue" | "cancel";
	/**
	 * `whole`: a stream begins when the answer is complete. So does every stream at present.
	 */
	stream?: "live" | "whole";
}
export interface Response {
	id: string;
	object: "response";
	status: "queued" | "in_progress" | "completed" | "incomplete" | "failed" | "cancelled";
	output: {
		type: string;
		[k: string]: unknown | undefined;
	}[];
	output_text: string;
	holdfast: HoldfastFacts;
	[k: string]: unknown | undefined;
}
export interface CreateResponse {
	/**
	 * DEFAULT_MODEL by default.
	 */
	model?: string | null;
	input?: string | unknown[] | null;
	stream?: boolean | null;
	/**
	 * `false`: erased ten minutes after the end.
	 */
	store?: boolean | null;
	metadata?: {
		[k: string]: string | undefined;
	} | null;
	holdfast?: HoldfastExtension;
	[k: string]: unknown | undefined;
}
export interface ChatCompletionList {
	object: "list";
	data: ChatCompletionAnswer[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface UpdateChatCompletion {
	metadata: {
		[k: string]: string | undefined;
	} | null;
}
export interface ChatCompletionDeleted {
	id: string;
	object: "chat.completion.deleted";
	deleted: true;
}
export interface ChatMessageList {
	object: "list";
	data: {
		id: string;
		role: string;
		content: string | null;
		/**
		 * The content, if it came in parts.
		 */
		content_parts: unknown[] | null;
		[k: string]: unknown | undefined;
	}[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface WebhookEndpoint {
	id: string;
	object: "webhook_endpoint";
	name: string;
	url: string;
	event_types: string[];
	payload: "full" | "thin";
	/**
	 * A disabled endpoint receives nothing until `…/enable` is called.
	 */
	status: "enabled" | "disabled";
	disabled_at: number | null;
	/**
	 * `gone`: it responded with 410. `failing`: every delivery failed for five days.
	 */
	disabled_reason: "gone" | "failing" | null;
	/**
	 * Its last deliveries failed, or it responds slowly: nothing is sent until then, and then one delivery first.
	 */
	paused_until: number | null;
	signing_secret_hint: string;
	/**
	 * Unix seconds, like all times of an endpoint.
	 */
	created_at: number;
	/**
	 * The last change of its settings, status or secret.
	 */
	updated_at: number;
}
export interface CreateWebhookEndpoint {
	name: string;
	/**
	 * A public https address on port 443 or 8443. Redirects are not followed.
	 */
	url: string;
	/**
	 * `job.*` and `endpoint.*` stand for all types of a family.
	 *
	 * @minItems 1
	 * @maxItems 8
	 */
	event_types:
		| [
				| "job.started"
				| "job.succeeded"
				| "job.failed"
				| "job.cancelled"
				| "job.expired"
				| "endpoint.disabled"
				| "job.*"
				| "endpoint.*"
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ];
	/**
	 * `thin` sends id, object and status only. `full` by default.
	 */
	payload?: "full" | "thin";
}
export interface WebhookEndpointList {
	object: "list";
	data: WebhookEndpoint[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface UpdateWebhookEndpoint {
	name?: string;
	/**
	 * A public https address on port 443 or 8443. Redirects are not followed.
	 */
	url?: string;
	/**
	 * `job.*` and `endpoint.*` stand for all types of a family.
	 *
	 * @minItems 1
	 * @maxItems 8
	 */
	event_types?:
		| [
				| "job.started"
				| "job.succeeded"
				| "job.failed"
				| "job.cancelled"
				| "job.expired"
				| "endpoint.disabled"
				| "job.*"
				| "endpoint.*"
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ]
		| [
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				),
				(
					| "job.started"
					| "job.succeeded"
					| "job.failed"
					| "job.cancelled"
					| "job.expired"
					| "endpoint.disabled"
					| "job.*"
					| "endpoint.*"
				)
		  ];
	/**
	 * `thin` sends id, object and status only. `full` by default.
	 */
	payload?: "full" | "thin";
}
export interface DeletedWebhookEndpoint {
	id: string;
	object: "webhook_endpoint.deleted";
	deleted: true;
}
export interface WebhookEventTypeList {
	object: "list";
	data: ("job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "endpoint.disabled")[];
}
export interface WebhookEndpointTest {
	object: "webhook_endpoint.test";
	webhook_endpoint_id: string;
	event_type: "job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "endpoint.disabled";
	/**
	 * HTTP status of the endpoint's response.
	 */
	status_code: number;
	/**
	 * The endpoint responded, with any status.
	 */
	success: true;
}
export interface TestWebhookEndpoint {
	event_type: "job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired" | "endpoint.disabled";
}
export interface DeliveryPage {
	object: "list";
	data: Delivery[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
	next_after: string | null;
}
export interface WebhookEndpointRecovery {
	object: "webhook_endpoint.recovery";
	webhook_endpoint_id: string;
	recovered: number;
	has_more: boolean;
}
export interface RecoverWebhookEndpoint {
	/**
	 * At most 30 days ago.
	 */
	since: string;
}
export interface DeliveryReference {
	id: string;
	object: "delivery";
	status: "pending" | "delivered" | "exhausted" | "skipped";
}
export interface RedeliveryList {
	object: "list";
	data: (Delivery | DeliveryReference)[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface WebhookSigningSecret {
	object: "webhook_signing_secret";
	secret: string;
}
export interface RotateSecret {
	keep_old_secret_active_for_24_hours?: boolean;
}
export interface AuditEntryList {
	object: "list";
	data: AuditEntry[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface AuditEntry {
	id: string;
	object: "audit_entry";
	created_at: string;
	/**
	 * The id of an API key, or `operator`.
	 */
	actor: string;
	action:
		| "tenant.created"
		| "tenant.updated"
		| "tenant.deleted"
		| "key.created"
		| "key.revoked"
		| "session.created"
		| "signing_secret.read"
		| "signing_secret.rotated"
		| "endpoint.created"
		| "endpoint.updated"
		| "endpoint.deleted"
		| "endpoint.enabled"
		| "endpoint.secret_rotated"
		| "endpoint.tested"
		| "deliveries.recovered"
		| "delivery.redelivered"
		| "job.redelivered"
		| "job.retried"
		| "job.erased";
	/**
	 * The id of what was changed.
	 */
	target_id: string;
	/**
	 * The `x-request-id` of the response to the request that made the change.
	 */
	request_id: string;
}
export interface Session {
	object: "session";
	tenant: {
		id: string;
		name: string;
	};
	key: {
		id: string;
		name: string;
		scopes: string[];
		expires_at: string | null;
	};
	/**
	 * When the session ends. With an API key, together with the key.
	 */
	expires_at: string | null;
}
export interface CreateSession {
	key: string;
}
export interface ApiKey {
	id: string;
	object: "api_key";
	tenant_id: string;
	name: string;
	scopes: string[];
	/**
	 * The key that created this one, and whose revocation revokes it. Null: the operator.
	 */
	created_by: string | null;
	created_at: string;
	/**
	 * Rounded down to the hour.
	 */
	last_used_at: string | null;
	expires_at: string | null;
	revoked_at: string | null;
}
export interface CreateApiKey {
	name?: string;
	/**
	 * By default, all scopes of the key of this request except `keys:manage`. With `webhooks:write` a key can register an endpoint that receives every event, results included.
	 *
	 * @minItems 1
	 * @maxItems 7
	 */
	scopes?:
		| ["jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read"]
		| [
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read"
		  ]
		| [
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read"
		  ]
		| [
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read"
		  ]
		| [
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read"
		  ]
		| [
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read"
		  ]
		| [
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read",
				"jobs:read" | "jobs:write" | "webhooks:read" | "webhooks:write" | "secrets:read" | "keys:manage" | "usage:read"
		  ];
	/**
	 * A key expires no later than the key that creates it, which is also the default.
	 */
	expires_at?: string;
}
export interface ApiKeyList {
	object: "list";
	data: ApiKey[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface UsageList {
	object: "list";
	data: UsageDay[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface UsageDay {
	/**
	 * The day and the model: `2026-01-02:openai/gpt-5.5`.
	 */
	id: string;
	object: "usage";
	date: string;
	/**
	 * The model that was called last. Models beyond a hundred an hour are counted as one, `other`.
	 */
	model: string;
	/**
	 * Jobs that became final on this day, in any state.
	 */
	jobs: number;
	succeeded: number;
	prompt_tokens: number;
	completion_tokens: number;
	/**
	 * Over all attempts, as far as providers report their usage, or as estimated.
	 */
	total_tokens: number;
	/**
	 * How many of the total are estimates.
	 */
	estimated_tokens: number;
	/**
	 * In US dollars, by `MODEL_PRICES`. Null: no price is set.
	 */
	cost_usd: number | null;
}
export interface UsageBucketList {
	object: "list";
	data: UsageBucket[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface UsageBucket {
	/**
	 * Begins with `start_at`.
	 */
	id: string;
	object: "usage_bucket";
	start_at: string;
	/**
	 * Null: all models.
	 */
	model: string | null;
	/**
	 * Jobs that became final in this time, in any state.
	 */
	jobs: number;
	succeeded: number;
	/**
	 * Null for a day from before they were counted, as what follows.
	 */
	failed: number | null;
	cancelled: number | null;
	expired: number | null;
	prompt_tokens: number;
	completion_tokens: number;
	/**
	 * Over all attempts, as far as providers report their usage, or as estimated.
	 */
	total_tokens: number;
	/**
	 * How many of the total are estimates.
	 */
	estimated_tokens: number;
	/**
	 * In US dollars, by `MODEL_PRICES`. Null: no price is set.
	 */
	cost_usd: number | null;
	/**
	 * Tokens that `cost_usd` leaves out: of models without a price, and those that are neither of the input nor of the output.
	 */
	unpriced_tokens: number;
	wait: Histogram;
	run: Histogram & {
		[k: string]: unknown | undefined;
	};
}
export interface BacklogList {
	object: "list";
	data: BacklogSample[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface BacklogSample {
	/**
	 * The same as `start_at`.
	 */
	id: string;
	object: "backlog_sample";
	/**
	 * When the minute or the hour begins.
	 */
	start_at: string;
	/**
	 * When it was counted last.
	 */
	sampled_at: string;
	/**
	 * Queued and running. Of an hour, each number is the most that was counted.
	 */
	open_jobs: number;
	/**
	 * Those that wait for a slot, a budget or a model.
	 */
	parked_jobs: number;
	/**
	 * Those that wait for their `run_at`, or for a retry of more than a minute.
	 */
	later_jobs: number;
	/**
	 * How long the queued job that has been due for the longest had waited. 0: none was due.
	 */
	oldest_waiting_seconds: number;
	pending_deliveries: number;
	/**
	 * True: there was more open work than the sweeper counts, so the numbers may be too low.
	 */
	or_more: boolean;
}
export interface ModelList {
	object: "list";
	data: Model[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface Model {
	id: string;
	object: "model";
	/**
	 * Unknown, and always 0: OpenAI's clients require it.
	 */
	created: number;
	/**
	 * The provider that serves the model.
	 */
	owned_by: string;
	/**
	 * `healthy`; `throttled`, `blocked` or `unavailable`: no call starts before `until`; `recovering`: a few calls may start. Further values may follow.
	 */
	state: string;
	until: string | null;
	/**
	 * How many calls may start now. Null: any number.
	 */
	permits: number | null;
	/**
	 * How often in a row calls were stopped.
	 */
	trips: number;
	parked_jobs: Count;
	/**
	 * Jobs of this tenant that became final in this hour and the one before. Null: none.
	 */
	recent: {
		jobs: number;
		/**
		 * The share of them that failed or expired, from 0 to 1.
		 */
		failure_rate: number;
		/**
		 * Seconds from a job's first start to its final state. Null: none was started.
		 */
		p50: number | null;
		p95: number | null;
	} | null;
}
/**
 * Jobs of this tenant that wait for the model.
 */
export interface Count {
	value: number;
	/**
	 * True: counting stopped at `value`.
	 */
	or_more: boolean;
}
export interface Stats {
	object: "stats";
	/**
	 * Running jobs, those about to run, and those that wait for a slot, a budget or a model: by status and reason.
	 */
	open: {
		status: string;
		status_reason: string | null;
		jobs: Count;
	}[];
	/**
	 * When the oldest of these jobs was created. Null if there is none, or one `or_more` is true.
	 */
	oldest_open_at: string | null;
	due_later: Count;
	pending_deliveries: Count;
	/**
	 * When the sweeper, once a minute, counted the two before: jobs that wait for their `run_at` or for a retry of more than a minute, and deliveries that are not settled. Null: there was no open work, unless `or_more` is true.
	 */
	sampled_at: string | null;
	/**
	 * Jobs that became final on this UTC day, in any state.
	 */
	ended_today: {
		jobs: number;
		succeeded: number;
	};
	/**
	 * Jobs that became final in this hour and the 23 before.
	 */
	ended_24h: {
		succeeded: number;
		failed: number;
		cancelled: number;
		expired: number;
		/**
		 * True: more models were used than are counted. The oldest hours are left out first.
		 */
		or_more: boolean;
	};
}
export interface Tenant {
	id: string;
	object: "tenant";
	name: string;
	limits: {
		open_jobs?: number | null;
		running_jobs?: number | null;
		tokens_per_day?: number | null;
		stored_bytes?: number | null;
		webhook_endpoints?: number | null;
		api_keys?: number | null;
		requests?: number | null;
		waits?: number | null;
	};
	/**
	 * What the limits are compared with, where the tenant is read. Null: without that limit, it is not counted.
	 */
	use?: {
		open_jobs: number;
		tokens_today: number | null;
		stored_bytes: number | null;
	};
	created_at: string;
}
export interface CreateTenant {
	name: string;
	limits?: {
		open_jobs?: number | null;
		running_jobs?: number | null;
		tokens_per_day?: number | null;
		stored_bytes?: number | null;
		webhook_endpoints?: number | null;
		api_keys?: number | null;
		requests?: number | null;
		waits?: number | null;
	};
}
export interface TenantList {
	object: "list";
	data: Tenant[];
	has_more: boolean;
	first_id: string | null;
	last_id: string | null;
}
export interface UpdateTenant {
	name?: string;
	limits?: {
		open_jobs?: number | null;
		running_jobs?: number | null;
		tokens_per_day?: number | null;
		stored_bytes?: number | null;
		webhook_endpoints?: number | null;
		api_keys?: number | null;
		requests?: number | null;
		waits?: number | null;
	};
}
export interface Status {
	object: "status";
	/**
	 * Queued and running, counted up to 1,000.
	 */
	open_jobs: number;
	/**
	 * Counted up to 1,000.
	 */
	pending_deliveries: number;
	/**
	 * With more than 1,000 open jobs, those that wait for a retry may be left out.
	 */
	oldest_open_job_at: string | null;
	/**
	 * Up to 100 keys, with the jobs of each counted up to 1,000.
	 */
	parked: {
		key: string;
		jobs: number;
	}[];
	secrets: {
		/**
		 * Encrypted with SIGNING_KEY_PREVIOUS, which may be removed once this is 0. Counted up to 1,000 of each kind.
		 */
		under_previous_signing_key: number;
		/**
		 * Encrypted with a key that is not configured.
		 */
		undecryptable: number;
	};
	last_sweep: {
		at: string | null;
		counts: {
			[k: string]: number | undefined;
		};
	};
}
export interface OperatorSession {
	object: "operator_session";
	/**
	 * Null: the request was made with ADMIN_TOKEN itself.
	 */
	expires_at: string | null;
}
export interface CreateOperatorSession {
	token: string;
}
