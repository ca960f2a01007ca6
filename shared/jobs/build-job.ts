/** Builds a new job from a validated request: checks its models, start and receiver, and fills in the defaults. */
import type { JobRequest } from "../api/submit-job.ts";
import { anthropicRequest, isAnthropic } from "../core/anthropic/request.ts";
import { type ChatInput, withNullContents } from "../core/chat/chat-input.ts";
import type { Config } from "../core/config.ts";
import { newId } from "../core/ids.ts";
import type { Idempotency } from "../core/jobs/idempotency.ts";
import { type Entrance, NATIVE, type StoredWebhookTarget } from "../core/jobs/job.ts";
import { isJsonObject } from "../core/json/json.ts";
import { JsonBody } from "../core/json/json-body.ts";
import type { Runtime } from "../core/runtime.ts";
import type { Actor } from "../core/tenants/audit.ts";
import { credentialFor } from "../core/upstreams/credentials.ts";
import { estimateTokens } from "../core/upstreams/estimate-tokens.ts";
import { allowedBy, routeFor } from "../core/upstreams/model-routes.ts";
import { privateUrlIn, routingFieldIn } from "../core/upstreams/refused-fields.ts";
import { isPublicHost } from "../core/webhooks/webhook-address.ts";
import { receiverDigest } from "../crypto/receiver-digest.ts";
import type { NewJob } from "../db/jobs/submit-jobs.ts";

const RUN_AHEAD_MS_MAX = 30 * 24 * 3_600_000;

/** A request to submit a job, and the tenant that makes it. */
export interface Order {
	tenantId: string;
	request: JobRequest;
	/** The body of the chat completion, as JSON. */
	input: Uint8Array;
	/** The same, parsed. Null: it is the input of a job that was accepted before. */
	parsedInput: ParsedInput | null;
	/** Where the caller reached this service, such as `https://jobs.example.com`. */
	origin: string;
	idempotency: Idempotency | null;
	/** Native unless given. */
	entrance?: Entrance;
	/** The job that this one retries, and who requested it. */
	retry?: { of: string; by: Actor };
}

/** What is looked at in the body of a chat completion; its other fields are looked up by name. */
export type ParsedInput = Pick<ChatInput, "messages">;

/** The request matches its schema but cannot be accepted. `param`: the field, such as `model.1`. */
export interface Invalid {
	outcome: "invalid";
	/** No route serves the model that `param` names. */
	isModelUnknown?: boolean;
	param: string;
	problem: string;
}

/** A new job whose input is not stored yet. */
export type BuiltJob = Omit<NewJob, "input" | "inputKey" | "inputBytes"> & { input: Uint8Array };

export interface BuildBindings {
	config: Config;
	runtime: Runtime;
	/** Whether webhooks may go to `url`, and the form of it to store. */
	checkReceiver(url: string): Promise<{ ok: true; url: string } | { ok: false; problem: string }>;
}

export async function buildJob(bindings: BuildBindings, order: Order): Promise<BuiltJob | Invalid> {
	const { runtime } = bindings;
	const { request, retry } = order;
	const models = modelsOf(bindings.config, request);
	if ("outcome" in models) return models;
	const fieldOf = fieldsOf(order);
	const refused = refusalOf(bindings.config, models.models, order, fieldOf);
	if (refused !== null) return refused;
	const start = startOf(request, runtime.now());
	if ("outcome" in start) return start;
	const webhook = await webhookOf(bindings, order);
	if (webhook !== null && "outcome" in webhook) return webhook;
	const { gateway } = request;
	return {
		...models,
		tenantId: order.tenantId,
		jobId: newId("job", runtime),
		start,
		webhook,
		idempotency: order.idempotency,
		input: withNullContents(order.input, order.parsedInput),
		tokensEstimated: estimateTokens(order.input.byteLength, fieldOf),
		gateway: gateway === undefined ? null : gatewayOf(gateway),
		metadata: request.metadata ?? null,
		priority: request.priority ?? 5,
		timeoutMs: toMs(request.timeout_seconds ?? 600),
		maxAttempts: request.max_attempts ?? 5,
		retainMs: toMs(request.retain_seconds ?? 2_592_000),
		deadlineMs: toMs(request.deadline_seconds ?? 86_400),
		retryOf: retry?.of ?? null,
		...(retry === undefined ? {} : { retriedBy: retry.by }),
		origin: order.origin,
		...(order.entrance ?? NATIVE),
	};
}

/** Callers may give fractions of a second. Fractions of a millisecond are rounded. */
function toMs(seconds: number): number {
	return Math.round(seconds * 1000);
}

function modelsOf(config: Config, { model }: JobRequest): Pick<NewJob, "models" | "credential"> | Invalid {
	const [first = config.defaultModel, ...rest] = typeof model === "string" ? [model] : (model ?? []);
	const models: [string, ...string[]] = [first, ...rest];
	const credentials: string[] = [];
	for (const [at, name] of models.entries()) {
		const param = Array.isArray(model) ? `model.${at}` : "model";
		const credential = credentialFor(config.modelRoutes, name);
		if (credential === null) {
			const problem = `No route serves the model ${JSON.stringify(name)}.`;
			return { ...invalid(param, problem), isModelUnknown: true };
		}
		if (models.indexOf(name) !== at) return invalid(param, "Duplicate model in the list.");
		credentials.push(credential);
	}
	return { models, credential: credentials[0] ?? "" };
}

/** The fields of the input. A stored one may be megabytes, and is not parsed. */
function fieldsOf({ input, parsedInput }: Order): (name: string) => unknown {
	if (parsedInput !== null)
		return (name) => (Object.hasOwn(parsedInput, name) ? Reflect.get(parsedInput, name) : undefined);
	const stored = new JsonBody(input);
	return (name) => stored.get(name);
}

/** The fields that route or authenticate are looked for in a stored input too: other routes may serve its next models. */
function refusalOf(
	{ modelRoutes }: Config,
	models: readonly string[],
	{ parsedInput }: Order,
	fieldOf: (name: string) => unknown,
): Invalid | null {
	const allowed = allowedBy(modelRoutes, models);
	const field = routingFieldIn((name) => fieldOf(name) !== undefined, allowed);
	if (field !== null) {
		const problem = `Only the operator decides about \`${field}\`, in MODEL_ROUTES. Remove the field, or use \`model\` of the job.`;
		return invalid(`input.${field}`, problem);
	}
	const path = privateUrlIn(parsedInput?.messages ?? [], allowed, isPublicHost);
	if (path !== null)
		return invalid(`input.${path}`, "Must not be an address inside a network. Use a public URL, or data.");
	return parsedInput === null ? null : untranslatableIn(parsedInput, modelRoutes, models);
}

/** Null: at least one of the models can be sent the input. The job moves on from the others without calling them. */
function untranslatableIn(
	input: ParsedInput,
	routes: Config["modelRoutes"],
	models: readonly string[],
): Invalid | null {
	if (!isJsonObject(input)) return null;
	let first: Invalid | null = null;
	for (const model of models) {
		const route = routeFor(routes, model);
		const name = route?.rename ?? model;
		if (route?.provider !== "workers-ai" || !isAnthropic(name)) return null;
		const translation = anthropicRequest(name, input, true);
		if (translation.ok) return null;
		first ??= invalid(`input.${translation.param}`, translation.problem);
	}
	return first;
}

function startOf(request: JobRequest, now: number): NewJob["start"] | Invalid {
	if (request.run_at === undefined) return { delayMs: toMs(request.delay_seconds ?? 0) };
	if (request.delay_seconds !== undefined) {
		return invalid("delay_seconds", "Give either `run_at` or `delay_seconds`.");
	}
	const runAt = Date.parse(request.run_at);
	return runAt > now + RUN_AHEAD_MS_MAX ? invalid("run_at", "Must be at most 30 days ahead.") : { runAt };
}

async function webhookOf(
	bindings: BuildBindings,
	{ tenantId, request: { webhook } }: Order,
): Promise<StoredWebhookTarget | Invalid | null> {
	if (webhook === undefined) return null;
	const receiver = await bindings.checkReceiver(webhook.url);
	if (!receiver.ok) return invalid("webhook.url", receiver.problem);
	const { url } = receiver;
	const urlDigest = await receiverDigest(bindings.runtime, tenantId, url);
	return { url, events: webhook.events ?? null, payload: webhook.payload, urlDigest };
}

function gatewayOf(gateway: NonNullable<JobRequest["gateway"]>): NewJob["gateway"] {
	return { cacheTtlSeconds: gateway.cache_ttl ?? null, skipCache: gateway.skip_cache ?? null };
}

function invalid(param: string, problem: string): Invalid {
	return { outcome: "invalid", param, problem };
}
