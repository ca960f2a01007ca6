/** Registered receivers as they were: what a slightly earlier read may have seen. */
import type { Ledger } from "../ledger.ts";
import type { Invocation } from "../world/invocation.ts";
import type { Row, SqlValue } from "../world/sql-engine.ts";
import type { World } from "../world/world.ts";
import { textOf } from "./rows.ts";

interface Version {
	/** True time. */
	at: number;
	/** Null: deleted. */
	row: Row | null;
}

export class EndpointPast {
	readonly #versions = new Map<string, Version[]>();
	readonly #atUrl = new Map<string, { tenantId: string; id: string }>();

	constructor(world: World, ledger: Ledger) {
		ledger.on("webhook_endpoints", ({ tenantId, id, after }) => {
			const key = `${tenantId}/${id}`;
			this.#versions.set(key, [...(this.#versions.get(key) ?? []), { at: world.now, row: after }]);
			if (after !== null) this.#atUrl.set(textOf(after, "url"), { tenantId, id });
		});
	}

	/** Whose URL it is, or was; null: a one-off receiver's. Each endpoint has one of its own. */
	at(url: string): { tenantId: string; id: string } | null {
		return this.#atUrl.get(url) ?? null;
	}

	/** As it was at any moment since `since`. */
	since(tenantId: string, id: SqlValue, since: number): (Row | null)[] {
		const all = this.#versions.get(`${tenantId}/${id}`) ?? [];
		return all.filter((_, index) => (all[index + 1]?.at ?? Number.POSITIVE_INFINITY) >= since).map(({ row }) => row);
	}

	/** Whether `by` may have found it disabled or gone. */
	wasAway(tenantId: string, id: SqlValue, by: Invocation | null): boolean {
		return this.since(tenantId, id, by?.startedAt ?? 0).some((row) => row?.status !== "enabled");
	}
}
