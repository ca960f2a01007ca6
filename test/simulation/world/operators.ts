/** The operators: they limit tenants, change the limits up and down, and lift them in the end. */
import type { Tenant } from "./client.ts";
import type { Http } from "./http.ts";
import type { Service } from "./service.ts";
import type { World } from "./world.ts";

/** What a tenant may have; few of everything, so that it is felt. Each answered call takes eight tokens. */
const CHOICES = {
	running_jobs: [null, 0, 1, 1, 2, 3],
	open_jobs: [null, null, 1, 3, 6],
	tokens_per_day: [null, null, 0, 8, 24, 80],
} as const;
const NAMES = ["running_jobs", "running_jobs", "open_jobs", "tokens_per_day"] as const;
const NONE = { running_jobs: null, open_jobs: null, tokens_per_day: null };

/** How long limits stay in force when nothing goes wrong any more: what they keep back must go all the same. */
const LIFTED_MS_MAX = 20 * 60_000;
/** A change requested long ago may yet take effect. */
const LIFT_AGAIN_MS = 120_000;

export class Operators {
	readonly #world: World;
	readonly #http: Http;
	readonly #adminToken: string;
	readonly #tenants: readonly Tenant[];

	constructor({ world, vars }: Service, http: Http, tenants: readonly Tenant[]) {
		this.#world = world;
		this.#http = http;
		this.#adminToken = vars.ADMIN_TOKEN ?? "";
		this.#tenants = tenants;
		const { dice, options } = world;
		if (options.limitChanges === 0) return;
		for (const tenant of tenants) {
			this.#change(tenant, { ...this.#throwLimits(), ...this.#throwLimits(), ...this.#throwLimits() });
			for (let left = dice.between(0, options.limitChanges); left > 0; left--) {
				world.after(dice.next() * options.faultsMs, () => this.#change(tenant, this.#throwLimits()));
			}
		}
	}

	/** Called when faults have ended. */
	liftLimits(): void {
		const { dice, options } = this.#world;
		if (options.limitChanges > 0) this.#world.after(dice.next() * LIFTED_MS_MAX, () => this.#liftNow());
	}

	#liftNow(): void {
		for (const tenant of this.#tenants) this.#change(tenant, NONE);
		this.#world.after(LIFT_AGAIN_MS, () => this.#liftNow());
	}

	#throwLimits(): Partial<typeof NONE> {
		const name = this.#world.dice.pick(NAMES);
		return { [name]: this.#world.dice.pick(CHOICES[name]) };
	}

	#change({ tenantId }: Tenant, limits: object): void {
		const asked = { method: "PATCH", path: `/v1/admin/tenants/${tenantId}`, body: JSON.stringify({ limits }) };
		this.#http.ask({ ...asked, key: this.#adminToken }, () => undefined);
	}
}
