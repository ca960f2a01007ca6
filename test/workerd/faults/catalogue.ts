/**
 * Every call of an actor to the outside, by its name. The architecture test finds a call to D1 that stands nowhere here, and
 * a test of this file any other that a gate can name; a story finds a call that its actor makes and does not list; a name
 * that no story makes has a red test.
 */
import type { Outside } from "../world/faults.ts";

/** Of each kind, the names: "lease jobs, extend leases" of D1. */
function callsOf(names: Partial<Record<Outside, string>>): string[] {
	return Object.entries(names).flatMap(([outside, list]) => list.split(/,\s+/).map((name) => `${outside} ${name}`));
}

export const CONSUMER = callsOf({
	ai: "model",
	d1: `explain missed leases, extend leases, find held leases, find lease state, finish jobs, lease jobs, record failure,
		record recovery, release parked, requeue job, return permits`,
	fetch: "model",
	queue: "sendBatch deliveries, sendBatch jobs",
	r2: "get inputs, head results, put results",
});

export const DISPATCHER = callsOf({
	d1: "find pending deliveries, gate slow receiver, park deliveries, postpone deliveries, record deliveries, release deliveries",
	fetch: "addresses, webhook",
	limiter: "webhooks",
	queue: "send deliveries, sendBatch deliveries",
	r2: "get results",
});

export const SWEEPER = callsOf({
	d1: `admit jobs, defer delivery sweep, erase page of tenant, filter existing jobs, exhaust parked deliveries, find deliveries to sweep, find jobs to erase,
		find erased tenants, find jobs to prune, find jobs to sweep, find parked keys, find parked receivers, find secrets sealed with, find stranded jobs,
		count slots, find tenants to erase, find tombstones, finish jobs, note swept, prune audit log, prune backlog, prune breakers,
		prune idempotency keys, prune jobs, prune orphaned deliveries, prune receiver breakers, prune usage, read open work, read sweeper note,
		release deliveries, release parked, remove erased tenants, remove tombstones, replace sealed secrets, skip parked deliveries,
		write backlog, write sweeper note`,
	queue: "metrics jobs, sendBatch deliveries, sendBatch jobs",
	r2: "delete inputs, delete results, head results, list inputs",
});

export const INTAKE = callsOf({
	d1: `count jobs, count sealed secrets, create api key, create tenant, delete tenant, erase job, filter existing jobs, find api key, find api key in force,
		find idempotency key, foresee submissions, find job, find job summary, find job with input, find tenant, finish jobs,
		list api keys, list audit log, list backlog, list deliveries of job, list jobs, list tenants, list usage, list used models, note api key use, record sign-in,
		read model states, read status, reveal webhook secret, revoke api key, rotate webhook secret, submit job, submit job or explain, update metadata, update tenant`,
	fetch: "addresses",
	limiter: "keys, unauthenticated",
	queue: "send jobs, sendBatch deliveries, sendBatch jobs",
	r2: "delete inputs, delete results, get inputs, get results, list inputs, put inputs",
});

export const INTAKE_OF_WEBHOOKS = callsOf({
	d1: `create webhook endpoint, delete webhook endpoint, enable webhook endpoint, find delivery, find webhook endpoint,
		list deliveries, list webhook endpoints, record act, redeliver delivery, redeliver job,
		redeliver missed deliveries, rotate endpoint secret, update webhook endpoint`,
	fetch: "webhook",
	limiter: "webhooks",
	queue: "sendBatch deliveries",
});

/** By actor. */
export const CALLS: Readonly<Record<string, ReadonlySet<string>>> = {
	consumer: new Set(CONSUMER),
	dispatcher: new Set(DISPATCHER),
	sweeper: new Set(SWEEPER),
	intake: new Set([...INTAKE, ...INTAKE_OF_WEBHOOKS]),
};

export const R2_METHODS = ["head", "get", "put", "delete", "list"] as const;
export const R2_KINDS = ["results", "inputs"] as const;
const OTHERS = "of another kind";

/** Every name that a gate can give to a call, but for those of D1. */
export const NAMES: readonly string[] = [
	...R2_METHODS.flatMap((method) => [...R2_KINDS, OTHERS].map((kind) => `r2 ${method} ${kind}`)),
	...["metrics", "send", "sendBatch"].flatMap((method) => [`queue ${method} jobs`, `queue ${method} deliveries`]),
	...callsOf({ ai: "model", fetch: "addresses, model, webhook", limiter: "keys, unauthenticated, webhooks" }),
];

export const NEVER_MADE: Readonly<Record<string, string>> = {
	"r2 head inputs": "a job's row says where its input is",
	"r2 list results": "a job's key is that of its result",
	"queue metrics deliveries": "a late delivery is redispatched whatever the queue's backlog",
	...Object.fromEntries(R2_METHODS.map((method) => [`r2 ${method} ${OTHERS}`, "R2 has inputs and results alone"])),
};

/** By file of stories. */
export const OPERATIONS = {
	intake:
		`cancelJob createChatCompletion deleteChatCompletion getChatCompletion listChatCompletionMessages listChatCompletions updateChatCompletion createKey createSession createTenant createTenantKey deleteJob deleteTenant getJob getJobInput getJobResult getKey getModel getStats getStatus
		getTenant getWebhookSigningSecret listAuditLog listBacklog listJobAttempts listJobDeliveries listJobs listKeys listModels listTenantAuditLog
		listTenantKeys listTenants listUsage retryJob revokeKey revokeTenantKey rotateWebhookSigningSecret submitJob
		updateTenant`.split(/\s+/),
	webhooks: `createWebhookEndpoint deleteWebhookEndpoint enableWebhookEndpoint getDelivery getWebhookEndpoint
		listDeliveries listWebhookEndpointDeliveries listWebhookEndpoints recoverWebhookEndpoint redeliverDelivery redeliverJob
		rotateWebhookEndpointSecret testWebhookEndpoint updateWebhookEndpoint`.split(/\s+/),
};

export const NOT_PLAYED: Readonly<Record<string, string>> = {
	checkHealth: "makes no call",
	createResponse: "makes the calls of createChatCompletion",
	getDocs: "makes no call",
	listWebhookEventTypes: "makes no call but for the key, as every operation",
	getOpenApiDocument: "makes no call",
	getSession: "makes no call but for the key, as every operation",
	deleteSession: "makes no call but for the key, as every operation",
	createOperatorSession: "makes no call but for the limit of unauthenticated requests",
	getOperatorSession: "makes no call",
	deleteOperatorSession: "makes no call",
};

/** Of calls that share a transaction, "d1 finish jobs, requeue job": each. */
export function namesIn(name: string): string[] {
	return name.startsWith("d1 ") ? callsOf({ d1: name.slice("d1 ".length) }) : [name];
}
