/** Callers who register receivers: most of them at the beginning, some later, and then they change their minds. */

import { START_AT } from "../../support/fake-runtime.ts";
import type { Callers } from "./callers.ts";
import type { Client, Tenant } from "./client.ts";
import type { Answer } from "./http.ts";
import type { Service } from "./service.ts";
import type { World } from "./world.ts";

const EVENT_TYPES = [
	["job.*"],
	["job.*", "endpoint.*"],
	["job.succeeded"],
	["job.started", "endpoint.disabled"],
	["endpoint.disabled"],
] as const;

const ACTIONS = { rotate: 3, revive: 4, recover: 2, redeliver: 3, redeliverJob: 1, update: 1, remove: 0.5 } as const;
const ACTIONS_MAX = 6;
/** Of the service's clock, which may have jumped: all of a seed lies after it. */
const LONG_AGO = new Date(START_AT - 86_400_000).toISOString();

/** A 202 to a recovery of all: whom, and when it was asked for. */
export interface Recovery {
	tenantId: string;
	endpointId: string;
	askedAt: number;
}

export class EndpointOwners {
	readonly #service: Service;
	readonly #world: World;
	readonly #recovered: ((recovery: Recovery) => void)[] = [];

	constructor(service: Service, callers: Callers, tenants: readonly Tenant[]) {
		const { world } = service;
		const { dice, options } = world;
		this.#service = service;
		this.#world = world;
		let made = 0;
		for (const tenant of options.endpoints > 0 ? tenants : []) {
			for (let left = dice.between(0, options.endpoints); left > 0; left--) {
				const host = `e${++made}.receiver.com`;
				const atMs = dice.chance(0.8) ? 0 : dice.next() * options.faultsMs * 0.5;
				world.after(atMs, () => this.#register(callers.client(tenant), host));
			}
			// The one-off receiver has its troubles too.
			this.#planDowns("hooks.receiver.com");
		}
	}

	/** Hears of each recovery that left nothing behind, by its own word. */
	onRecovered(listener: (recovery: Recovery) => void): void {
		this.#recovered.push(listener);
	}

	#register(client: Client, host: string): void {
		const { dice } = this.#world;
		const url = `https://${host}/${client.tenant.tenantId}`;
		const payload = dice.pick(["full", "thin"]);
		const body = { name: host, url, event_types: dice.pick(EVENT_TYPES), payload };
		this.#ask(client, "", body, (answer) => {
			const id = idOf(answer);
			if (id === null) return;
			this.#planDowns(host);
			for (let left = dice.between(1, ACTIONS_MAX); left > 0; left--) {
				const act = dice.weighted(ACTIONS);
				this.#world.after(dice.next() * this.#world.options.faultsMs, () => this.#act(client, id, act));
			}
		});
	}

	#planDowns(host: string): void {
		const { dice, options } = this.#world;
		for (let left = options.downs; left > 0; left--) {
			const forMs = dice.between(10_000, 240_000);
			this.#world.after(dice.next() * options.faultsMs, () => this.#service.receivers.breakDown(host, forMs));
		}
	}

	#act(client: Client, id: string, act: keyof typeof ACTIONS): void {
		const { dice } = this.#world;
		switch (act) {
			case "rotate":
				this.#ask(client, `/${id}/rotate_secret`, { keep_old_secret_active_for_24_hours: dice.chance(0.5) });
				break;
			case "revive":
				this.#ask(client, `/${id}/enable`, {}, (answer) => {
					if (answer?.code === 200 && dice.chance(0.7)) this.#recover(client, id);
				});
				break;
			case "recover":
				this.#recover(client, id);
				break;
			case "redeliver":
			case "redeliverJob":
				this.#redeliver(client, id, act);
				break;
			case "update":
				this.#ask(client, `/${id}`, { event_types: dice.pick(EVENT_TYPES) });
				break;
			case "remove":
				client.ask({ method: "DELETE", path: `/v1/webhook_endpoints/${id}` }, { op: "endpoint" });
		}
	}

	#recover(client: Client, endpointId: string): void {
		const { tenantId } = client.tenant;
		const askedAt = this.#world.now;
		this.#ask(client, `/${endpointId}/recover`, { since: LONG_AGO }, (answer) => {
			if (answer?.code !== 202 || JSON.parse(answer.text).has_more === true) return;
			for (const listener of this.#recovered) listener({ tenantId, endpointId, askedAt });
		});
	}

	#redeliver(client: Client, id: string, act: "redeliver" | "redeliverJob"): void {
		const list = `/v1/webhook_endpoints/${id}/deliveries?limit=10`;
		client.ask({ method: "GET", path: list }, { op: "endpoint" }, (answer) => {
			const { data = [] } = answer?.code === 200 ? (JSON.parse(answer.text) as Deliveries) : {};
			if (data.length === 0) return;
			const { id: deliveryId, event_id: eventId } = this.#world.dice.pick(data);
			const path =
				act === "redeliver"
					? `/v1/deliveries/${deliveryId}/redeliver`
					: `/v1/jobs/job_${eventId.split("_")[1]}/redeliver`;
			client.ask({ method: "POST", path, body: "{}" }, { op: "endpoint" });
		});
	}

	#ask(client: Client, path: string, body: object, react?: (answer: Answer) => void): void {
		const asked = { method: "POST", path: `/v1/webhook_endpoints${path}`, body: JSON.stringify(body) };
		client.ask(asked, { op: "endpoint" }, react);
	}
}

type Deliveries = { data?: { id: string; event_id: string }[] };

function idOf(answer: Answer): string | null {
	return answer?.code === 201 ? (JSON.parse(answer.text) as { id: string }).id : null;
}
