/** What stands in the tables, change by change, each with who made it: what the invariants are checked against. */
import type { Invocation } from "./world/invocation.ts";
import type { Row, RowChange } from "./world/sql-engine.ts";

export interface Changed {
	tenantId: string;
	id: string;
	/** Null: there was no row. */
	before: Row | null;
	/** Null: the row is gone. */
	after: Row | null;
	/** Null: the world itself, before the seed began. */
	by: Invocation | null;
}

type Listener = (changed: Changed) => void;

export class Ledger {
	readonly #rows = new Map<string, Map<string, Row>>();
	readonly #listeners = new Map<string, Listener[]>();
	readonly #afterEach: ((changed: (Changed & { table: string })[]) => void)[] = [];

	/** Hears of each change of a row of `table`, once it is committed. */
	on(table: string, listener: Listener): void {
		this.#listeners.set(table, [...(this.#listeners.get(table) ?? []), listener]);
	}

	/** Hears of all that one transaction changed, once all of it is in the ledger. */
	onTransaction(listener: (changed: (Changed & { table: string })[]) => void): void {
		this.#afterEach.push(listener);
	}

	rows(table: string): ReadonlyMap<string, Row> {
		return this.#table(table);
	}

	job(tenantId: string, jobId: string): Row | null {
		return this.#table("jobs").get(`${tenantId}/${jobId}`) ?? null;
	}

	commit(changes: RowChange[], by: Invocation | null): void {
		const all = changes.map(({ table, tenantId, id, row }) => {
			const rows = this.#table(table);
			const key = `${tenantId}/${id}`;
			const changed = { table, tenantId, id, before: rows.get(key) ?? null, after: row, by };
			if (row === null) rows.delete(key);
			else rows.set(key, row);
			return changed;
		});
		for (const changed of all) for (const listener of this.#listeners.get(changed.table) ?? []) listener(changed);
		if (all.length > 0) for (const listener of this.#afterEach) listener(all);
	}

	#table(name: string): Map<string, Row> {
		const known = this.#rows.get(name) ?? new Map<string, Row>();
		this.#rows.set(name, known);
		return known;
	}
}
