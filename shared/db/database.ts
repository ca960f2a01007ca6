/**
 * D1 with a clock. All SQL of the service runs through here; the statements are in the verbs of the folders beside this file.
 *
 * Time in SQL is the database's own (`NOW`), so that no two machines' clocks are ever compared. Tests and simulation bind
 * another time through `clock`.
 */

import { StorageUnavailable } from "../core/errors.ts";
import { GroupCommit } from "../core/group-commit.ts";
import { type Timers, withTimeout } from "../core/timeout.ts";

/** Milliseconds by the database's clock. */
export const OWN_CLOCK = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/** The same, or the time bound as `?1`. */
export const NOW = `coalesce(?1, ${OWN_CLOCK})`;

/**
 * D1's own timeout is 30 s. A heartbeat that hung that long would leave no time for a second one before the lease ends.
 */
const RESPONSE_MS_MAX = 10_000;
/** How many statements D1 allows an invocation. */
export const STATEMENTS_MAX = 1_000;

/** Keeps one transaction far below that, and below D1's 30 s. */
const MEMBERS_MAX = 50;

export interface Statement {
	sql: string;
	params: (string | number | null)[];
}

interface Transaction {
	name: string;
	statements: Statement[];
}

/**
 * Each call has a name, such as "lease jobs". The SQL starts with it as a comment, so that D1's query insights and logs show
 * which call a statement belongs to, and the error of a failed call contains it.
 */
export class Database {
	readonly #d1: D1Database;
	readonly #timers: Timers;
	/** The time to bind as `?1`; null for the database's own. */
	readonly clock: () => number | null;
	/** How large the database is, by its last response. Null: there was none. */
	sizeBytes: number | null = null;
	/** Statements so far. Each invocation has its own `Database`. */
	statements = 0;
	readonly #transactions: GroupCommit<Transaction, D1Result[]>;

	constructor(d1: D1Database, timers: Timers, clock: () => number | null = () => null) {
		this.#d1 = d1;
		this.#timers = timers;
		this.clock = clock;
		this.#transactions = this.grouped((members) => this.#transactAll(members));
	}

	/**
	 * A group commit for a function that writes many as cheaply as one, such as `finishJobs`: members that are ready during a
	 * write share the next one. If SQLite rejects them together, they are written one by one, so that none fails because of
	 * another.
	 *
	 * Group commits nest on purpose: the function calls `transact`, which is a group commit of whole transactions. The outer one
	 * merges members into one set of statements; the inner one puts statements of different functions into one round trip.
	 */
	grouped<Member, Result>(write: (members: Member[]) => Promise<Result[]>): GroupCommit<Member, Result> {
		return new GroupCommit({
			timers: this.#timers,
			write,
			membersMax: MEMBERS_MAX,
			shouldSplit: (error) => !(error instanceof StorageUnavailable),
		});
	}

	async all<Row>(name: string, statement: Statement): Promise<Row[]> {
		const result = await this.#withTimeout(name, () => this.#prepare(name, statement).all<Row>());
		this.#noteSize(result);
		return result.results;
	}

	async first<Row>(name: string, statement: Statement): Promise<Row | null> {
		return (await this.all<Row>(name, statement))[0] ?? null;
	}

	/**
	 * One transaction: all statements take effect, or none. Returns the rows of each. Calls of the same invocation while one
	 * transaction is in flight share the next; the statements of one call stay together, in their order.
	 */
	async transact<Row>(name: string, statements: Statement[]): Promise<Row[][]> {
		const results = await this.#transactions.commit({ name, statements });
		// Trusts the caller for the type of its rows, as `D1Database.batch<Row>` does.
		return results.map((result) => result.results as Row[]);
	}

	/** The same, with the rows of each statement under its name. A list of statements shares one name. */
	async transactNamed<Name extends string>(
		name: string,
		statements: Record<Name, Statement | Statement[]>,
	): Promise<Record<Name, Record<string, unknown>[]>> {
		const lists = Object.entries<Statement | Statement[]>(statements).map(([key, one]) => ({
			key,
			list: [one].flat(),
		}));
		const rows = await this.transact<Record<string, unknown>>(
			name,
			lists.flatMap(({ list }) => list),
		);
		const named = lists.map(({ key, list }) => [key, rows.splice(0, list.length).flat()] as const);
		return Object.fromEntries(named) as Record<Name, Record<string, unknown>[]>;
	}

	async #transactAll(members: Transaction[]): Promise<D1Result[][]> {
		const names = [...new Set(members.map(({ name }) => name))].join(", ");
		const prepared = members.flatMap(({ name, statements }) => statements.map((one) => this.#prepare(name, one)));
		const results = await this.#withTimeout(names, () => this.#d1.batch(prepared));
		this.#noteSize(results.at(-1));
		return members.map(({ statements }) => results.splice(0, statements.length));
	}

	#noteSize(result: Pick<D1Result, "meta"> | undefined): void {
		this.sizeBytes = result?.meta?.size_after ?? this.sizeBytes;
	}

	async #withTimeout<T>(name: string, call: () => Promise<T>): Promise<T> {
		try {
			return await withTimeout(this.#timers, RESPONSE_MS_MAX, call());
		} catch (error) {
			throw asStorageFault(name, error);
		}
	}

	#prepare(name: string, { sql, params }: Statement): D1PreparedStatement {
		this.statements += 1;
		return this.#d1.prepare(`/* ${name} */ ${sql}`).bind(...params);
	}
}

/** Whether the database has reached the size that Cloudflare allows: it refuses to insert. */
export function isFull(error: unknown): boolean {
	const cause = error instanceof StorageUnavailable ? error.cause : error;
	return /maximum DB size|database or disk is full|SQLITE_FULL/i.test(String(cause));
}

/** A statement that SQLite rejects is our bug and is thrown as it is. Every other error is an infrastructure fault. */
function asStorageFault(name: string, error: unknown): unknown {
	const text = String(error);
	const isBug =
		/SQLITE_(CONSTRAINT|ERROR|MISMATCH|RANGE|TOOBIG)|D1_TYPE_ERROR|Wrong number of parameter|syntax error|no such (table|column)/.test(
			text,
		);
	return isBug ? error : new StorageUnavailable(name, error);
}
