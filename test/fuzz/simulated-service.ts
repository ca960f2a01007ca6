/** The whole service in one process and virtual time, where nothing goes wrong but what is asked of it. */

import { SCOPES } from "../../shared/core/tenants/api-key.ts";
import { listenToLogs } from "../simulation/logs.ts";
import { Http } from "../simulation/world/http.ts";
import type { Invocation } from "../simulation/world/invocation.ts";
import { CALM } from "../simulation/world/options.ts";
import { Service } from "../simulation/world/service.ts";
import { SqlEngine } from "../simulation/world/sql-engine.ts";
import { makeTenant } from "../simulation/world/tenant.ts";
import { World } from "../simulation/world/world.ts";
import type { Account, Answer, FuzzedService } from "./fuzzed-service.ts";

const RESPONSE_MS_MAX = 300_000;

let engine: SqlEngine | null = null;

export class SimulatedService implements FuzzedService {
	readonly #world = new World(1, { overrides: { ...CALM, jobs: 0, skewMs: 0 } });
	readonly #service: Service;
	readonly #http: Http;
	readonly #changes = new Map<Invocation, number>();
	readonly #stopListening: () => void;

	constructor() {
		engine ??= new SqlEngine();
		this.#world.endFaults();
		this.#service = new Service(this.#world, engine);
		this.#http = new Http(this.#service);
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
		const background = (work: Promise<void>) =>
			void work.catch((error: unknown) => this.#world.violate("B1", String(error)));
		// The callers of doors hang up at once.
		if (/\/v1\/(chat|responses)/.test(request.url))
			Object.defineProperty(request, "signal", { value: AbortSignal.abort() });
		const answered = this.#http.serve(request, by, background).then(async (response) => {
			const text = await response.text();
			const { status, headers } = response;
			answer = { status, headers, text, rowsChanged: this.#changes.get(by) ?? 0 };
		});
		await Promise.race([answered, this.#world.run(RESPONSE_MS_MAX, () => answer !== null).then(() => undefined)]);
		if (answer === null) await answered;
		if (answer === null) throw new Error("there was no answer");
		return answer;
	}

	async open(name: string): Promise<Account> {
		const { tenantId, keyWith } = await makeTenant(this.#service, name);
		const single = await Promise.all(SCOPES.map(async (scope) => [scope, await keyWith([scope])]));
		return { tenantId, key: await keyWith(SCOPES), keyWith: Object.fromEntries(single) };
	}
}
