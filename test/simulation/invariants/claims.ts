/** Who leased which job when: the truth that fences are measured by. */
import type { Ledger } from "../ledger.ts";
import type { Invocation } from "../world/invocation.ts";
import type { Row } from "../world/sql-engine.ts";
import type { World } from "../world/world.ts";
import { numberOf } from "./rows.ts";

export interface Claim {
	fence: number;
	by: Invocation | null;
	/** True time, and the database's. */
	at: number;
	databaseAt: number;
	/** The row as the claim left it. */
	row: Row;
	calls: number;
	/** Made after its invocation had given up waiting, which does not know that it has the lease. */
	isUnknown: boolean;
}

export class Claims {
	readonly #ofJob = new Map<string, Claim[]>();
	readonly #madeBy = new Map<Invocation | null, Claim[]>();

	constructor(world: World, ledger: Ledger) {
		ledger.on("jobs", ({ id, before, after, by }) => {
			if (after === null || numberOf(after, "fence") <= numberOf(before, "fence")) return;
			const claim = {
				fence: numberOf(after, "fence"),
				by,
				at: world.now,
				databaseAt: world.databaseNow,
				row: after,
				calls: 0,
				isUnknown: by?.actsUnknown ?? false,
			};
			this.#ofJob.set(id, [...this.all(id), claim]);
			this.#madeBy.set(by, [...this.madeBy(by), claim]);
		});
	}

	all(jobId: string): readonly Claim[] {
		return this.#ofJob.get(jobId) ?? [];
	}

	/** Of all jobs, those deleted since included. */
	madeBy(by: Invocation | null): readonly Claim[] {
		return this.#madeBy.get(by) ?? [];
	}

	/** The highest. */
	last(jobId: string): Claim | null {
		return this.all(jobId).at(-1) ?? null;
	}

	/** The claim under which an invocation works on a job. */
	of(jobId: string, by: Invocation): Claim | null {
		return this.all(jobId).findLast((claim) => claim.by === by) ?? null;
	}
}
