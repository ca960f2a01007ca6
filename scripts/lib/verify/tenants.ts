/** The tenants of a run: everything else that it makes belongs to them, and goes with them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import { NewApiKeyBody } from "../../../shared/api/key.ts";
import { TenantBody, TenantList } from "../../../shared/api/tenant.ts";
import { Caller, parsed } from "./caller.ts";
import type { Options } from "./check.ts";
import { expectRefused, expectStatus, until } from "./expect.ts";

type Tenant = z.infer<typeof TenantBody>;

const NAME = /^verify-[0-9a-f]{12}(-narrow)?$/;
/** Older than any run lasts. */
const LEFT_BEHIND_AFTER_MS = 3_600_000;
/** Longer than a run against a local service lasts. */
const LOCAL_RUN_MS_MAX = 5 * 60_000;
/** A person who interrupts a run waits for its removal. */
const TIMEOUT_MS = 30_000;
const TRIES = 5;
const RETRY_DELAY_MS = 2_000;
/** As promised: a key works elsewhere for up to 10 seconds. */
const KEYS_END_WITHIN_MS = 20_000;

/**
 * Nothing here is interrupted. An interrupted creation would leave a tenant whose id is unknown, and removal is what an
 * interruption is followed by.
 */
export class RunTenants {
	readonly #options: Options;
	readonly #signal = new AbortController().signal;
	readonly #operator: Caller;
	readonly #name: string;
	readonly #left = new Set<string>();
	readonly #keys: Caller[] = [];

	constructor(options: Options, runId: string) {
		this.#options = options;
		this.#operator = new Caller(options.url, options.adminToken, this.#signal, TIMEOUT_MS);
		this.#name = `verify-${runId}`;
	}

	/** Resolves to a caller with the tenant's key. */
	async make(suffix: string, limits: object, signal: AbortSignal): Promise<Caller> {
		signal.throwIfAborted();
		const body = { name: this.#name + suffix, limits };
		const tenant = await this.#operator.call("/v1/admin/tenants", { method: "POST", body });
		expectStatus(tenant, 201, "creating a tenant");
		const { id } = parsed(tenant, TenantBody, "creating a tenant");
		this.#left.add(id);
		const keys = `/v1/admin/tenants/${id}/keys`;
		const made = await this.#operator.call(keys, { method: "POST", body: { name: "verify" } });
		expectStatus(made, 201, "creating a key");
		const { key } = parsed(made, NewApiKeyBody, "creating a key");
		this.#keys.push(new Caller(this.#options.url, key, this.#signal));
		return new Caller(this.#options.url, key, signal);
	}

	/**
	 * Resolves when no older run is left. `npm start` runs one batch of jobs at a time, so that the long call of one run would
	 * hold up all jobs of another.
	 * @param onWait called with a sentence, if there is something to wait for
	 */
	async turn(signal: AbortSignal, onWait: (sentence: string) => void): Promise<void> {
		const [own = ""] = this.#left;
		const older = async () => {
			const tenants = (await newestTenants(this.#operator)).filter(
				({ id, name, created_at }) =>
					NAME.test(name) && id < own && Date.now() - Date.parse(created_at) < LOCAL_RUN_MS_MAX,
			);
			return howToRemove(tenants.map(({ id }) => id));
		};
		const first = await older();
		if (first === null) return;
		onWait(`Waiting for another run, which takes up to three minutes. If it was killed:\n${first}`);
		const look = async () => ((await older()) === null ? true : null);
		await until(signal, LOCAL_RUN_MS_MAX, "the other run did not end", look);
	}

	async remove(): Promise<void> {
		for (let tried = 1; ; tried++) {
			try {
				// By name too: a creation whose response was lost did happen.
				for (const { id, name } of await newestTenants(this.#operator)) {
					if (name.startsWith(this.#name)) this.#left.add(id);
				}
				for (const id of this.#left) await this.#delete(id);
				return;
			} catch (error) {
				if (tried === TRIES) throw error;
			}
			await sleep(RETRY_DELAY_MS);
		}
	}

	/** How to remove by hand what could not be removed. Null: there is nothing. */
	get left(): string | null {
		return howToRemove([...this.#left]);
	}

	async #delete(id: string): Promise<void> {
		const response = await this.#operator.call(`/v1/admin/tenants/${id}`, { method: "DELETE" });
		// A repeated deletion finds nothing.
		if (response.status !== 404) expectStatus(response, 204, `deleting ${id}`);
		expectStatus(await this.#operator.call(`/v1/admin/tenants/${id}`), 404, `the deleted tenant ${id}`);
		this.#left.delete(id);
	}

	async expectKeysEnded(): Promise<void> {
		for (const key of this.#keys) {
			await until(this.#signal, KEYS_END_WITHIN_MS, "the key of a deleted tenant did not end", async () => {
				const response = await key.call("/v1/jobs?limit=1");
				if (response.status === 200) return null;
				expectRefused(response, "the key of a deleted tenant");
				return response;
			});
		}
	}
}

async function newestTenants(operator: Caller): Promise<Tenant[]> {
	return (await operator.read("/v1/admin/tenants?limit=100", TenantList)).data;
}

/** Of runs that were killed. Not removed here: a name alone does not prove whose they are. Null: there are none. */
export async function leftBehind(operator: Caller): Promise<string | null> {
	const old = (await newestTenants(operator)).filter(
		({ name, created_at }) => NAME.test(name) && Date.now() - Date.parse(created_at) > LEFT_BEHIND_AFTER_MS,
	);
	return howToRemove(old.map(({ id }) => id));
}

function howToRemove(ids: string[]): string | null {
	if (ids.length === 0) return null;
	return ids.map((id) => `  npm run holdfast -- admin tenants delete ${id} --yes`).join("\n");
}
