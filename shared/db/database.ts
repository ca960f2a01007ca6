/**
 * D1 with a clock. All SQL of the service runs through here; the statements themselves stand in the verbs beside this file.
 *
 * Time in SQL is the database's own (`NOW`), so that no two machines' clocks are ever compared. Tests and simulation bind
 * another time through `clock`.
 */
import { GroupCommit } from "../core/group-commit.ts";
import { StorageUnavailable } from "../core/storage-unavailable.ts";
import { type Timers, withTimeout } from "../core/timeout.ts";

/** Milliseconds by the database's clock. */
export const OWN_CLOCK = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/** The same, or the time bound as `?1`. */
export const NOW = `coalesce(?1, ${OWN_CLOCK})`;

/**
 * D1 itself gives up after 30 s. A heartbeat that hung so long would leave no time for a second one before the lease ends.
 */
const RESPONSE_MS_MAX = 10_000;
/** D1 grants an invocation 1,000 statements, and a transaction half a minute. */
const MEMBERS_MAX = 50;

export interface Statement {
	sql: string;
	params: (string | number | null)[];
}

export class Database {
	readonly #d1: D1Database;
	readonly #timers: Timers;
	/** The time to bind as `?1`; null for the database's own. */
	readonly clock: () => number | null;
	readonly #transactions: GroupCommit<Statement[], D1Result[]>;

	constructor(d1: D1Database, timers: Timers, clock: () => number | null = () => null) {
		this.#d1 = d1;
		this.#timers = timers;
		this.clock = clock;
		this.#transactions = this.grouped((members) => this.#transactAll(members));
	}

	/**
	 * For a verb that writes many as cheaply as one: what falls due while it is under way shares the next call. Where SQLite
	 * refuses them, they are written one by one, so that none drags its neighbours.
	 */
	grouped<Member, Answer>(write: (members: Member[]) => Promise<Answer[]>): GroupCommit<Member, Answer> {
		return new GroupCommit({
			timers: this.#timers,
			write,
			membersMax: MEMBERS_MAX,
			mayBeOneMembers: (error) => !(error instanceof StorageUnavailable),
		});
	}

	async all<Row>(statement: Statement): Promise<Row[]> {
		return (await this.#answered(() => this.#prepare(statement).all<Row>())).results;
	}

	async first<Row>(statement: Statement): Promise<Row | null> {
		return (await this.all<Row>(statement))[0] ?? null;
	}

	/**
	 * One transaction: all statements take effect, or none. Answers the rows of each. What falls due meanwhile in the same
	 * invocation shares the next one: its statements stay together, in their order.
	 */
	async transact<Row>(statements: Statement[]): Promise<Row[][]> {
		const answers = await this.#transactions.commit(statements);
		// What the caller expects of its own statements, as `D1Database.batch<Row>` would have it.
		return answers.map(({ results }) => results as Row[]);
	}

	async #transactAll(members: Statement[][]): Promise<D1Result[][]> {
		const statements = members.flat().map((statement) => this.#prepare(statement));
		const results = await this.#answered(() => this.#d1.batch(statements));
		return members.map(({ length }) => results.splice(0, length));
	}

	async #answered<T>(ask: () => Promise<T>): Promise<T> {
		try {
			return await withTimeout(this.#timers, RESPONSE_MS_MAX, ask());
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
