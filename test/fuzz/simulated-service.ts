/** The whole service in one process and virtual time, where nothing goes wrong but what is asked of it. */

import { parseConfig } from "../../shared/core/config.ts";
import { newId } from "../../shared/core/ids.ts";
import { makeApiKey, SCOPES, type Scope } from "../../shared/core/tenants/api-key.ts";
import { OPERATOR } from "../../shared/core/tenants/audit.ts";
import { TenantLimits } from "../../shared/core/tenants/tenant.ts";
import { sha256Hex } from "../../shared/crypto/digest.ts";
import { seal } from "../../shared/crypto/seal.ts";
import { Database } from "../../shared/db/database.ts";
import { createApiKey } from "../../shared/db/tenants/api-keys.ts";
import { createTenant } from "../../shared/db/tenants/tenants.ts";
import { HostCache } from "../../shared/webhooks/host-cache.ts";
import { newWebhookSecret } from "../../shared/webhooks/secrets.ts";
import { bind } from "../../workers/bindings.ts";
import { api } from "../../workers/intake/api.ts";
import { KeyCache } from "../../workers/intake/auth/key-cache.ts";
import { bindRateLimiters, RequestCounters } from "../../workers/intake/auth/rate-limiters.ts";
import type { Services } from "../../workers/intake/services.ts";
import { listenToLogs } from "../simulation/logs.ts";
import type { Invocation } from "../simulation/world/invocation.ts";
import { CALM } from "../simulation/world/options.ts";
import { Service } from "../simulation/world/service.ts";
import { SqlEngine } from "../simulation/world/sql-engine.ts";
import { World } from "../simulation/world/world.ts";
import type { Account, Answer, FuzzedService } from "./fuzzed-service.ts";

const RESPONSE_MS_MAX = 300_000;

let engine: SqlEngine | null = null;

export class SimulatedService implements FuzzedService {
	readonly #world = new World(1, { overrides: { ...CALM, jobs: 0, skewMs: 0 } });
	readonly #service: Service;
	readonly #keys = new KeyCache();
	readonly #counters = new RequestCounters();
	readonly #hosts = new HostCache();
	readonly #changes = new Map<Invocation, number>();
	readonly #stopListening: () => void;

	constructor() {
		engine ??= new SqlEngine();
		this.#world.endFaults();
		this.#service = new Service(this.#world, engine);
		this.#stopListening = listenToLogs(this.#world);
		this.#service.database.onCommit((changes, by) => {
			if (by !== null) this.#changes.set(by, (this.#changes.get(by) ?? 0) + changes.length);
		});
	}

	end(): void {
		this.#stopListening();
	}

	get adminToken(): string {
		return this.#service.vars.ADMIN_TOKEN ?? "";
	}

	get troubles(): string[] {
		return this.#world.violations.map(({ message }) => message);
	}

	async wait(ms: number): Promise<void> {
		await this.#world.run(ms);
	}

	async ask(request: Request): Promise<Answer> {
		const by = this.#service.invocation("intake");
		let answer: Answer | null = null;
		const answered = this.#serve(request, by).then(async (response) => {
			const text = await response.text();
			const { status, headers } = response;
			answer = { status, headers, text, rowsChanged: this.#changes.get(by) ?? 0 };
		});
		await Promise.race([answered, this.#world.run(RESPONSE_MS_MAX, () => answer !== null).then(() => undefined)]);
		if (answer === null) await answered;
		if (answer === null) throw new Error("there was no answer");
		return answer;
	}

	async #serve(request: Request, by: Invocation): Promise<Response> {
		const parsed = parseConfig(this.#service.vars);
		if (!parsed.ok) throw new Error(parsed.problems.join("; "));
		const env = this.#service.envFor(by);
		const services: Services = {
			...bind(env, by.runtime),
			...bindRateLimiters(env, by.runtime),
			config: parsed.config,
			runtime: by.runtime,
			keys: this.#keys,
			counters: this.#counters,
			hosts: this.#hosts,
			background: (work) => void work.catch((error: unknown) => this.#world.violate("B1", String(error))),
		};
		return await api.fetch(request, { services, requestId: newId("req", by.runtime) });
	}

	async open(name: string): Promise<Account> {
		const { runtime } = this.#service.invocation("intake");
		const db = new Database(this.#service.database.bindingFor(null), runtime);
		const tenantId = newId("ten", runtime);
		const by = { actor: OPERATOR, requestId: newId("req", runtime) };
		const sealedSecret = await seal(runtime, this.#service.vars.SIGNING_KEY ?? "", tenantId, newWebhookSecret(runtime));
		await createTenant(db, { tenantId, name, limits: TenantLimits.parse({}), sealedSecret }, by);
		const keyWith = async (scopes: readonly Scope[]) => {
			const keyId = newId("key", runtime);
			const key = makeApiKey(keyId, runtime.randomBytes);
			const keyHash = await sha256Hex(runtime, key);
			const made = { keyId, tenantId, name, keyHash, scopes: [...scopes], expiresAt: null, makerId: null };
			await createApiKey(db, made, { actor: OPERATOR, requestId: newId("req", runtime) });
			return key;
		};
		const single = await Promise.all(SCOPES.map(async (scope) => [scope, await keyWith([scope])]));
		return { tenantId, key: await keyWith(SCOPES), keyWith: Object.fromEntries(single) };
	}
}
