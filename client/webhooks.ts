/** Receives webhooks, and manages who does. */
import { InvalidWebhook } from "./errors.ts";
import type { CallOptions, Http } from "./http.ts";
import { Pages } from "./pages.ts";
import type {
	ChatCompletion,
	CreateWebhookEndpoint,
	DeletedWebhookEndpoint,
	Delivery,
	DeliveryPage,
	DeliveryReference,
	Job,
	RecoverWebhookEndpoint,
	RotateSecret,
	UpdateWebhookEndpoint,
	WebhookEndpoint,
	WebhookEndpointList,
	WebhookEndpointRecovery,
	WebhookEndpointTest,
	WebhookEndpointWithSecret,
	WebhookEventTypeList,
	WebhookSigningSecret,
} from "./schemas.ts";

interface EventOf<Type extends string, Data> {
	/** The same on every attempt and for every receiver: ignore an id that you have already handled. */
	id: string;
	object: "event";
	type: Type;
	/** Unix seconds. */
	created_at: number;
	timestamp: string;
	data: Data;
}

/** With the payload `thin`, only its first three fields. `test`: it was sent by the endpoint's `test`. */
export type EventJob = Pick<Job, "id" | "object" | "status"> &
	Partial<Job> & { result?: ChatCompletion | null; test?: boolean };

export type WebhookEvent =
	| EventOf<"job.started" | "job.succeeded" | "job.failed" | "job.cancelled" | "job.expired", EventJob>
	| EventOf<"endpoint.disabled", Partial<WebhookEndpoint> & { id: string; test?: boolean }>;

export interface DeliveryFilter {
	limit?: number;
	after?: string;
	/** One of these. */
	status?: Delivery["status"][];
	eventType?: string;
	createdAfter?: Date | string;
}

export class Webhooks {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	/**
	 * The event of a webhook, which may be of a type that is newer than this client. Throws `InvalidWebhook` unless one of
	 * `secrets` signed it in the last five minutes.
	 * @param rawBody as received, before any parsing
	 * @param secrets all in force, so that a rotation interrupts nothing
	 */
	async unwrap(
		rawBody: string | Uint8Array,
		headers: Headers | Record<string, string | string[] | undefined>,
		secrets: string | readonly string[],
	): Promise<WebhookEvent> {
		const body = typeof rawBody === "string" ? rawBody : new TextDecoder().decode(rawBody);
		const pairs = headers instanceof Headers ? [...headers] : Object.entries(headers);
		const sent = Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), String(value)]));
		// Loaded when it is needed: pages never verify a webhook.
		const { Webhook } = await import("standardwebhooks");
		for (const secret of [secrets].flat()) {
			if (isVerified(() => new Webhook(secret).verify(body, sent))) return JSON.parse(body);
		}
		throw new InvalidWebhook("The webhook has no valid signature, or is older than five minutes.");
	}

	/** What signs the webhooks that jobs name themselves. */
	async signingSecret(options: CallOptions = {}): Promise<WebhookSigningSecret> {
		return await this.#http.json({ method: "GET", path: "/v1/webhook_signing_secret", ...options });
	}

	async rotateSigningSecret(how: RotateSecret = {}, options: CallOptions = {}): Promise<WebhookSigningSecret> {
		const path = "/v1/webhook_signing_secret/rotate";
		return await this.#http.json({ method: "POST", path, body: how, isOnce: true, ...options });
	}
}

/** False also for a malformed secret, so that it hides no good one. */
function isVerified(verify: () => unknown): boolean {
	try {
		verify();
		return true;
	} catch {
		return false;
	}
}

export class Endpoints {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	/** Its `signing_secret` is shown only here. */
	async create(endpoint: CreateWebhookEndpoint, options: CallOptions = {}): Promise<WebhookEndpointWithSecret> {
		return await this.#http.json({ method: "POST", path: PATH, body: endpoint, isOnce: true, ...options });
	}

	list(page: { limit?: number; after?: string } = {}, { signal }: CallOptions = {}): Pages<WebhookEndpoint> {
		return new Pages((after = page.after) =>
			this.#http.json<WebhookEndpointList>({ method: "GET", path: PATH, query: { ...page, after }, signal }),
		);
	}

	async get(id: string, options: CallOptions = {}): Promise<WebhookEndpoint> {
		return await this.#http.json({ method: "GET", path: pathOf(id), ...options });
	}

	/** Fields that are left out stay as they are. */
	async update(id: string, changes: UpdateWebhookEndpoint, options: CallOptions = {}): Promise<WebhookEndpoint> {
		return await this.#http.json({ method: "POST", path: pathOf(id), body: changes, ...options });
	}

	async delete(id: string, options: CallOptions = {}): Promise<DeletedWebhookEndpoint> {
		const deleted = await this.#http.delete<DeletedWebhookEndpoint>(pathOf(id), options);
		return deleted ?? { id, object: "webhook_endpoint.deleted", deleted: true };
	}

	async rotateSecret(
		id: string,
		how: RotateSecret = {},
		options: CallOptions = {},
	): Promise<WebhookEndpointWithSecret> {
		const path = `${pathOf(id)}/rotate_secret`;
		return await this.#http.json({ method: "POST", path, body: how, isOnce: true, ...options });
	}

	/** Sends a signed sample event. */
	async test(id: string, eventType: string, options: CallOptions = {}): Promise<WebhookEndpointTest> {
		const body = { event_type: eventType };
		return await this.#http.json({ method: "POST", path: `${pathOf(id)}/test`, body, isOnce: true, ...options });
	}

	async enable(id: string, options: CallOptions = {}): Promise<WebhookEndpoint> {
		return await this.#http.json({ method: "POST", path: `${pathOf(id)}/enable`, ...options });
	}

	/** Sends again what the endpoint missed. */
	async recover(
		id: string,
		since: RecoverWebhookEndpoint,
		options: CallOptions = {},
	): Promise<WebhookEndpointRecovery> {
		return await this.#http.json({ method: "POST", path: `${pathOf(id)}/recover`, body: since, ...options });
	}

	/** Newest first. */
	deliveries(id: string, filter: DeliveryFilter = {}, { signal }: CallOptions = {}): Pages<Delivery> {
		return listDeliveries(this.#http, `${pathOf(id)}/deliveries`, filter, signal);
	}

	async eventTypes(options: CallOptions = {}): Promise<string[]> {
		const path = "/v1/webhook_event_types";
		return (await this.#http.json<WebhookEventTypeList>({ method: "GET", path, ...options })).data;
	}
}

export class Deliveries {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	/** Those of the newest jobs first; of one endpoint, the newest events first. */
	list(filter: DeliveryFilter & { endpointId?: string } = {}, { signal }: CallOptions = {}): Pages<Delivery> {
		return listDeliveries(this.#http, "/v1/deliveries", filter, signal);
	}

	async get(id: string, options: CallOptions = {}): Promise<Delivery> {
		return await this.#http.json({ method: "GET", path: `/v1/deliveries/${encodeURIComponent(id)}`, ...options });
	}

	async redeliver(id: string, options: CallOptions = {}): Promise<Delivery | DeliveryReference> {
		const path = `/v1/deliveries/${encodeURIComponent(id)}/redeliver`;
		return await this.#http.json({ method: "POST", path, ...options });
	}
}

const PATH = "/v1/webhook_endpoints";

function pathOf(id: string): string {
	return `${PATH}/${encodeURIComponent(id)}`;
}

function listDeliveries(
	http: Http,
	path: string,
	filter: DeliveryFilter & { endpointId?: string },
	signal: AbortSignal | undefined,
): Pages<Delivery> {
	const { limit, status, eventType, createdAfter, endpointId } = filter;
	const query = {
		limit,
		status: status?.join(","),
		event_type: eventType,
		created_after: createdAfter === undefined ? undefined : new Date(createdAfter).toISOString(),
		endpoint_id: endpointId,
	};
	return new Pages((after = filter.after) =>
		http.json<DeliveryPage>({ method: "GET", path, query: { ...query, after }, signal }),
	);
}
