/** D1 that is watched: each reply can be counted, or lost after the write took effect. */

/** A statement as D1 was asked it. */
export interface Asked {
	/** Of the call that it belongs to: "lease jobs". */
	name: string;
	sql: string;
	params: unknown[];
}

/** The name that `Database` gives to the call to which this SQL belongs; of other SQL, its beginning. */
export function callOf(sql: string): string {
	return /^\/\* (.+?) \*\//.exec(sql)?.[1] ?? sql.slice(0, 60);
}

interface Interceptor {
	/** Each call: one statement, or those of a batch. `run` makes it; one result a statement. */
	call(statements: Asked[], run: () => Promise<D1Result[]>): Promise<D1Result[]>;
	/** What is bound instead of `params`. */
	bind?(sql: string, params: unknown[]): unknown[];
}

export function interceptedD1(d1: D1Database, interceptor: Interceptor): D1Database {
	const known = new WeakMap<D1PreparedStatement, { real: D1PreparedStatement; asked: Asked }>();

	function intercepted(real: D1PreparedStatement, asked: Asked): D1PreparedStatement {
		const all = async () => (await interceptor.call([asked], async () => [await real.all()]))[0];
		const bind = (...given: unknown[]) => {
			const params = interceptor.bind?.(asked.sql, given) ?? given;
			return intercepted(real.bind(...params), { ...asked, params });
		};
		const statement = standIn(real, { bind, all, run: all, first: unexpected, raw: unexpected });
		known.set(statement, { real, asked });
		return statement;
	}

	return standIn(d1, {
		prepare: (sql: string) => intercepted(d1.prepare(sql), { name: callOf(sql), sql, params: [] }),
		batch: async (statements: D1PreparedStatement[]) => {
			const ours = statements.flatMap((statement) => known.get(statement) ?? []);
			const asked = ours.map((one) => one.asked);
			return await interceptor.call(asked, async () => await d1.batch(ours.map(({ real }) => real)));
		},
		exec: unexpected,
		dump: unexpected,
		withSession: unexpected,
	});
}

/** A method of a binding that the service does not call. */
export function unexpected(): never {
	throw new Error("the stand-in does not know this method");
}

/** @param onReply sees what D1 replied, one result a statement; what it throws is received instead */
export function watchedD1(d1: D1Database, onReply: (results: D1Result[], asked: Asked[]) => void): D1Database {
	return interceptedD1(d1, {
		async call(asked, run) {
			const results = await run();
			onReply(results, asked);
			return results;
		},
	});
}

/** Commits, and then loses the connection: the first `times` replies never arrive. */
export function forgetfulD1(d1: D1Database, times = 1): D1Database {
	let left = times;
	return watchedD1(d1, () => {
		if (left-- > 0) throw new Error("D1_ERROR: Network connection lost.");
	});
}

export interface Reading {
	rowsRead: number;
	rowsWritten: number;
	statements: Asked[];
}

interface Meter {
	d1: D1Database;
	/** What passed since the last reading. */
	read(): Reading;
}

/** Counts what D1 bills. */
export function meteredD1(d1: D1Database): Meter {
	let reading: Reading = { rowsRead: 0, rowsWritten: 0, statements: [] };
	return {
		d1: watchedD1(d1, (results, asked) => {
			for (const { meta } of results) {
				reading.rowsRead += meta.rows_read;
				reading.rowsWritten += meta.rows_written;
			}
			reading.statements.push(...asked);
		}),
		read() {
			const passed = reading;
			reading = { rowsRead: 0, rowsWritten: 0, statements: [] };
			return passed;
		},
	};
}

/** `target` with some members replaced; methods of the others keep their `this`. */
export function standIn<Target extends object>(target: Target, members: Record<string, unknown>): Target {
	return new Proxy(target, {
		get(real, name) {
			if (typeof name === "string" && name in members) return members[name];
			const value: unknown = Reflect.get(real, name);
			return typeof value === "function" ? value.bind(real) : value;
		},
	});
}
