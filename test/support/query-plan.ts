/** Reads what `EXPLAIN QUERY PLAN` says: what a statement reads from end to end, and what it sorts. */
import type { DatabaseSync } from "node:sqlite";

interface Step {
	id: number;
	parent: number;
	detail: string;
}

/** The tables that grow, each with the number of columns of its primary key. */
export type GrowingTables = ReadonlyMap<string, number>;

export class QueryPlan {
	readonly #sql: string;
	readonly #steps: Step[];
	readonly #growing: GrowingTables;

	constructor(sqlite: DatabaseSync, sql: string, growing: GrowingTables) {
		this.#sql = sql;
		this.#growing = growing;
		const rows = sqlite.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
		this.#steps = rows.map(({ id, parent, detail }) => ({
			id: Number(id),
			parent: Number(parent),
			detail: String(detail),
		}));
	}

	/** Scans of tables that grow, whatever the statement calls them. */
	get scans(): string[] {
		return this.#details.filter((detail) => {
			const read = /^(SCAN|SEARCH) (\w+)/.exec(detail);
			if (read === null || (read[1] === "SEARCH" && !detail.includes(" AUTOMATIC "))) return false;
			return this.#keyColumns(read[2]) > 0;
		});
	}

	/** Reads of a table by the tenant alone: as many rows as a tenant has, unless the statement stops before. */
	get readsOfTenants(): string[] {
		return this.#details.filter((detail) => {
			const [, name] = /^SEARCH (\w+) USING PRIMARY KEY \(tenant_id=\?\)/.exec(detail) ?? [];
			return this.#keyColumns(name) > 1;
		});
	}

	/** Of each sort, the reads that it takes more rows from than the statement names by their keys. */
	get sorts(): string[] {
		const sorts = this.#steps.filter(({ detail }) => detail.startsWith("USE TEMP B-TREE"));
		return [...new Set(sorts.flatMap(({ parent }) => this.#rangesIn(parent, new Set())))];
	}

	get #details(): string[] {
		return this.#steps.map(({ detail }) => detail);
	}

	#rangesIn(parent: number, seen: Set<number>): string[] {
		if (seen.has(parent)) return [];
		seen.add(parent);
		return this.#steps.filter((step) => step.parent === parent).flatMap((step) => this.#rangesOf(step, seen));
	}

	#rangesOf({ id, detail }: Step, seen: Set<number>): string[] {
		const [, kind, name = ""] = /^(SCAN|SEARCH) (\([\w-]+\)|\w+)/.exec(detail) ?? [];
		if (kind === undefined) {
			// A scalar subquery adds no rows; a list adds as many as it has.
			return /^(LIST SUBQUERY|LEFT|RIGHT|MERGE|COMPOUND|UNION|SETUP|RECURSIVE)/.test(detail)
				? this.#rangesIn(id, seen)
				: [];
		}
		const subquery = this.#steps.find(
			(step) => /^(CO-ROUTINE|MATERIALIZE) /.test(step.detail) && step.detail.endsWith(` ${name}`),
		);
		if (subquery !== undefined) return this.#rangesIn(subquery.id, seen);
		const keyColumns = this.#keyColumns(name);
		const isByKey = detail.includes(" USING PRIMARY KEY ") && detail.split("=?").length - 1 === keyColumns;
		return keyColumns === 0 || isByKey ? [] : [detail];
	}

	/** 0: the name is that of no table that grows. */
	#keyColumns(name: string | undefined): number {
		if (name === undefined) return 0;
		const named = new RegExp(`\\b(?:main\\.)?(\\w+) AS ${name.replaceAll(/\W/g, "\\$&")}\\b`, "g");
		const tables = [name, ...[...this.#sql.matchAll(named)].map((match) => match[1] ?? "")];
		return Math.max(...tables.map((table) => this.#growing.get(table) ?? 0));
	}
}
