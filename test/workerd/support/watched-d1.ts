/** D1 with somebody between it and us: each answer can be counted, or lost after the write took effect. */

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

/** @param onAnswer sees what D1 answered, one result a statement; what it throws is what we hear instead */
export function watchedD1(d1: D1Database, onAnswer: (results: D1Result[], asked: Asked[]) => void): D1Database {
	const known = new WeakMap<D1PreparedStatement, { real: D1PreparedStatement; asked: Asked }>();

	function watchedStatement(real: D1PreparedStatement, asked: Asked): D1PreparedStatement {
		const watched = standIn(real, {
			bind: (...params: unknown[]) => watchedStatement(real.bind(...params), { ...asked, params }),
			all: async () => {
				const result = await real.all();
				onAnswer([result], [asked]);
				return result;
			},
			run: async () => {
				const result = await real.run();
				onAnswer([result], [asked]);
				return result;
			},
		});
		known.set(watched, { real, asked });
		return watched;
	}

	return standIn(d1, {
		prepare: (sql: string) => watchedStatement(d1.prepare(sql), { name: callOf(sql), sql, params: [] }),
		batch: async (statements: D1PreparedStatement[]) => {
			const ours = statements.flatMap((statement) => known.get(statement) ?? []);
			const results = await d1.batch(ours.map(({ real }) => real));
			onAnswer(
				results,
				ours.map(({ asked }) => asked),
			);
			return results;
		},
	});
}

/** Commits, and then loses the connection: the first `times` answers never arrive. */
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

export interface Meter {
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
