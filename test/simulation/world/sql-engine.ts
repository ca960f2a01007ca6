/**
 * D1's SQL, without D1: the same SQLite, the same statements and migrations, D1's limits and words for errors. One
 * database in memory serves all seeds of a process, emptied between them, so that statements are prepared once.
 *
 * Its clock is the world's: `unixepoch` is replaced, so the service's statements run as they do in production, where no
 * time is bound. Every change of a watched row is reported when its transaction has committed, and only then.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SqlMap } from "./sql-map.ts";

export type SqlValue = string | number | null;
export type Row = Record<string, SqlValue>;

/** One row as it became; null: it is gone. */
export interface RowChange {
	table: string;
	tenantId: string;
	id: string;
	row: Row | null;
}

export interface Query {
	sql: string;
	params: SqlValue[];
}

const PARAMS_MAX = 100;
const SQL_BYTES_MAX = 100_000;
const VALUE_BYTES_MAX = 2_000_000;
const MIGRATIONS = join(import.meta.dirname, "../../../migrations");

/** Tables whose changes are reported, and what names a row besides its tenant, where it has one. */
const WATCHED: Readonly<Record<string, string>> = {
	jobs: "id",
	deliveries: "id",
	idempotency_keys: "key",
	breakers: "key",
	tenants: "id",
	webhook_endpoints: "id",
	receiver_breakers: "key",
};

interface Prepared {
	statement: StatementSync;
	/** The highest `?n` of the statement. */
	params: number;
	rowOf: RowMaker;
}

/** One row, of the cells in the order of its columns. */
type RowMaker = (cells: readonly SqlValue[]) => Row;

export class SqlEngine {
	readonly #sqlite = new DatabaseSync(":memory:");
	readonly #begin = this.#sqlite.prepare("BEGIN IMMEDIATE");
	readonly #commit = this.#sqlite.prepare("COMMIT");
	readonly #prepared = new SqlMap<Prepared>();
	readonly #tables: string[];
	#pending: RowChange[] = [];
	#now: () => number = () => 0;

	constructor() {
		this.#sqlite.function("unixepoch", { deterministic: true, varargs: true }, () => (this.#now() + 0.5) / 1000);
		for (const file of readdirSync(MIGRATIONS).sort()) {
			this.#sqlite.exec(readFileSync(join(MIGRATIONS, file), "utf8"));
		}
		this.#tables = this.#names("SELECT name FROM sqlite_schema WHERE type = 'table'");
		for (const [table, id] of Object.entries(WATCHED)) this.#watch(table, id);
	}

	/** Forgets everything, and takes its time from `now`. */
	restart(now: () => number): void {
		// At the end of time, for there are rows that stay for long.
		this.#now = () => Number.MAX_SAFE_INTEGER;
		for (const table of this.#tables) this.#sqlite.exec(`DELETE FROM ${table}`);
		this.#now = now;
		this.#pending = [];
	}

	/** One transaction: the rows of each statement, and what changed. */
	run(queries: Query[]): { rows: Row[][]; changes: RowChange[] } {
		this.#pending = [];
		const prepared = queries.map((query) => this.#prepare(query));
		try {
			if (queries.length > 1) this.#begin.run();
			const rows = prepared.map(({ statement, rowOf }, index) => {
				// As `setReturnArrays` has it.
				const found = statement.all(...(queries[index]?.params ?? [])) as unknown as SqlValue[][];
				return found.map(rowOf);
			});
			if (queries.length > 1) this.#commit.run();
			return { rows, changes: this.#pending };
		} catch (error) {
			if (queries.length > 1) this.#sqlite.exec("ROLLBACK");
			throw asD1Error(error);
		}
	}

	#prepare({ sql, params }: Query): Prepared {
		let known = this.#prepared.get(sql);
		if (known === undefined) {
			if (sql.length > SQL_BYTES_MAX) throw new Error("D1_ERROR: statement too long: SQLITE_TOOBIG");
			try {
				const statement = this.#sqlite.prepare(keepable(sql));
				statement.setReturnArrays(true);
				known = { statement, params: highestParam(sql), rowOf: rowMaker(statement.columns().map(({ name }) => name)) };
			} catch (error) {
				throw asD1Error(error);
			}
			this.#prepared.set(sql, known);
		}
		if (params.length > PARAMS_MAX) throw new Error("D1_ERROR: too many SQL variables: SQLITE_ERROR");
		if (params.length !== known.params) {
			throw new Error(`D1_ERROR: Wrong number of parameter bindings for SQL query: ${params.length} for ${sql}`);
		}
		for (const value of params) checkValue(value);
		return known;
	}

	/** A change is reported as what names its row, then the row's cells in the order of the columns; none: it is gone. */
	#watch(table: string, id: string): void {
		const columns = this.#names(`SELECT name FROM pragma_table_info('${table}')`);
		const rowOf = rowMaker(columns);
		this.#sqlite.function(`report_${table}`, { varargs: true }, (tenantId, key, ...cells) => {
			const row = cells.length === 0 ? null : rowOf(cells as SqlValue[]);
			this.#pending.push({ table, tenantId: String(tenantId), id: String(key), row });
			return null;
		});
		const name = (alias: string) => `${columns.includes("tenant_id") ? `${alias}.tenant_id` : "''"}, ${alias}.${id}`;
		const cells = columns.map((column) => `, NEW.${column}`).join("");
		for (const [event, args] of [
			["INSERT", name("NEW") + cells],
			["UPDATE", name("NEW") + cells],
			["DELETE", name("OLD")],
		]) {
			this.#sqlite.exec(`CREATE TEMP TRIGGER report_${table}_${event} AFTER ${event} ON main.${table} BEGIN
				SELECT report_${table}(${args}); END`);
		}
	}

	#names(sql: string): string[] {
		return this.#sqlite
			.prepare(sql)
			.all()
			.map((row) => String(row.name));
	}
}

/** SQLite reads what is bound to a LIMIT and prepares the statement again each time, but takes an expression as it comes. */
function keepable(sql: string): string {
	return sql.replace(/\bLIMIT \?\d+/g, "$& + 0");
}

/** Compiled: rows that are literals share one shape, and are read several times as fast as those that node:sqlite makes. */
function rowMaker(columns: readonly string[]): RowMaker {
	const members = columns.map((column, at) => `${JSON.stringify(column)}: cells[${at}]`);
	return new Function("cells", `return { ${members.join(", ")} };`) as RowMaker;
}

function highestParam(sql: string): number {
	return Math.max(0, ...[...sql.matchAll(/\?(\d+)/g)].map((match) => Number(match[1])));
}

function checkValue(value: unknown): void {
	if (value === undefined || typeof value === "object" ? value !== null : typeof value === "boolean") {
		throw new Error(`D1_TYPE_ERROR: Type '${typeof value}' not supported for value '${String(value)}'`);
	}
	if (typeof value === "string" && value.length > VALUE_BYTES_MAX) {
		throw new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG");
	}
}

/** D1 puts SQLite's own word behind its message. */
function asD1Error(error: unknown): Error {
	const { message, errcode } = error as { message: string; errcode?: number };
	if (message.startsWith("D1_")) return error as Error;
	const word = { 19: "SQLITE_CONSTRAINT", 18: "SQLITE_TOOBIG", 20: "SQLITE_MISMATCH", 25: "SQLITE_RANGE" }[
		(errcode ?? 1) & 255
	];
	return new Error(`D1_ERROR: ${message}: ${word ?? "SQLITE_ERROR"}`);
}
