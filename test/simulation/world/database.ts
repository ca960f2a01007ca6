/** The D1 binding that an invocation is given: statements of the real engine, behind a network that has its days. */
import { type D1Server, OVERLOADED } from "./d1-server.ts";
import type { Invocation } from "./invocation.ts";
import type { Query, Row, RowChange, SqlEngine, SqlValue } from "./sql-engine.ts";
import { SqlMap } from "./sql-map.ts";
import type { World } from "./world.ts";

/** What D1 says when it says nothing about what it did. */
const FAULT = "D1_ERROR: Network connection lost.";

/** Called with committed changes, and with the invocation that made them; null: the world itself. */
type CommitListener = (changes: RowChange[], by: Invocation | null) => void;

export class SimulatedDatabase {
	readonly #world: World;
	readonly #engine: SqlEngine;
	readonly #listeners: CommitListener[] = [];
	/** Null: it responds at once, however much it has to do. */
	server: D1Server | null = null;

	constructor(world: World, engine: SqlEngine) {
		this.#world = world;
		this.#engine = engine;
		engine.restart(() => world.databaseNow);
	}

	onCommit(listener: CommitListener): void {
		this.#listeners.push(listener);
	}

	/** Runs at once, on behalf of the world itself. */
	look(sql: string, ...params: SqlValue[]): Row[] {
		return this.#engine.run([{ sql, params }]).rows[0] ?? [];
	}

	/** @param by null: answers at once and without faults, for what is there before the seed begins */
	bindingFor(by: Invocation | null): D1Database {
		const run = (queries: Query[]) => this.#run(queries, by);
		const binding = {
			prepare: (sql: string) => new SimulatedStatement(run, { sql, params: [] }),
			batch: async (statements: SimulatedStatement[]) =>
				(await run(statements.map(({ query }) => query))).map((results) => ({ success: true, results, meta: {} })),
		};
		return binding as unknown as D1Database;
	}

	async #run(queries: Query[], by: Invocation | null): Promise<Row[][]> {
		if (by === null) return this.#runNow(queries, by);
		if (this.#world.dice.chance(this.#world.current.jumps)) {
			const { jumpMs } = this.#world.current;
			this.#world.jumpDatabaseClock(this.#world.dice.between(-jumpMs, jumpMs));
		}
		const site = `D1 ${queries.map(({ sql }) => summary(sql)).join("; ")}`;
		by.useStatements(queries.length);
		const serve = () => this.server?.serve(queries.length) ?? (this.server === null ? 0 : OVERLOADED);
		return await by.call(site, this.#world.current.database, FAULT, () => this.#runNow(queries, by), serve);
	}

	#runNow(queries: Query[], by: Invocation | null): Row[][] {
		try {
			const { rows, changes } = this.#engine.run(queries);
			for (const listener of this.#listeners) listener(changes, by);
			return rows;
		} catch (error) {
			// The guards are there so that no race ever asks the table for what it must refuse.
			this.#world.violate("S12", `SQLite refused a statement of ${by?.name ?? "the world"}: ${String(error)}`);
			throw error;
		}
	}
}

class SimulatedStatement {
	readonly query: Query;
	readonly #run: (queries: Query[]) => Promise<Row[][]>;

	constructor(run: (queries: Query[]) => Promise<Row[][]>, query: Query) {
		this.#run = run;
		this.query = query;
	}

	bind(...params: SqlValue[]): SimulatedStatement {
		return new SimulatedStatement(this.#run, { sql: this.query.sql, params });
	}

	async all(): Promise<{ results: Row[] }> {
		const [results = []] = await this.#run([this.query]);
		return { results };
	}
}

const summaries = new SqlMap<string>();

/** `UPDATE jobs`: enough to read a trace by. */
function summary(sql: string): string {
	const known = summaries.get(sql);
	if (known !== undefined) return known;
	const verb = /\b(INSERT INTO|UPDATE|DELETE FROM|SELECT)\b/.exec(sql)?.[1] ?? "?";
	const table = /(?:INTO|UPDATE|FROM)\s+([a-z_]+)\b/.exec(sql.replace(/^WITH.*?INSERT/s, "INSERT"))?.[1] ?? "";
	const words = `${verb.split(" ")[0]} ${table}`;
	summaries.set(sql, words);
	return words;
}
