/**
 * D1 with a clock. All SQL of the service runs through here; the statements themselves stand in the verbs beside this file.
 *
 * Time in SQL is the database's own (`NOW`), so that no two machines' clocks are ever compared. Tests and simulation bind
 * another time through `clock`.
 */

/** Milliseconds by the database's clock, or the time bound as `?1`. */
export const NOW = "coalesce(?1, CAST(unixepoch('subsec') * 1000 AS INTEGER))";

export interface Statement {
	sql: string;
	params: (string | number | null)[];
}

/** D1 did not answer, or not in time. Whether a write took effect is unknown: read it back, never repeat it blindly. */
export class StorageUnavailable extends Error {
	constructor(cause: unknown) {
		super("The database did not answer", { cause });
		this.name = "StorageUnavailable";
	}
}

export class Database {
	readonly #d1: D1Database;
	/** The time to bind as `?1`; null for the database's own. */
	readonly clock: () => number | null;

	constructor(d1: D1Database, clock: () => number | null = () => null) {
		this.#d1 = d1;
		this.clock = clock;
	}

	async all<Row>(statement: Statement): Promise<Row[]> {
		try {
			return (await this.#prepare(statement).all<Row>()).results;
		} catch (error) {
			throw asStorageFault(error);
		}
	}

	async first<Row>(statement: Statement): Promise<Row | null> {
		return (await this.all<Row>(statement))[0] ?? null;
	}

	/** One transaction: all statements take effect, or none. Answers the rows of each. */
	async batch<Row>(statements: Statement[]): Promise<Row[][]> {
		try {
			const results = await this.#d1.batch<Row>(statements.map((statement) => this.#prepare(statement)));
			return results.map((result) => result.results);
		} catch (error) {
			throw asStorageFault(error);
		}
	}

	#prepare(statement: Statement): D1PreparedStatement {
		return this.#d1.prepare(statement.sql).bind(...statement.params);
	}
}

/** A statement that SQLite itself refused is our bug, and stays one. Everything else is the weather. */
function asStorageFault(error: unknown): unknown {
	const text = String(error);
	const isBug =
		/SQLITE_(CONSTRAINT|ERROR|MISMATCH|RANGE|TOOBIG)|D1_TYPE_ERROR|Wrong number of parameter|syntax error|no such (table|column)/.test(
			text,
		);
	return isBug ? error : new StorageUnavailable(error);
}
