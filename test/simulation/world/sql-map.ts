/**
 * Something known about each statement. The service composes the SQL for each call, so a `Map` would hash kilobytes at each
 * look. Few statements are of one length, and to compare two texts takes a fraction of that.
 */
export class SqlMap<Known> {
	readonly #byLength = new Map<number, { sql: string; known: Known }[]>();

	get(sql: string): Known | undefined {
		return this.#byLength.get(sql.length)?.find((entry) => entry.sql === sql)?.known;
	}

	set(sql: string, known: Known): void {
		const others = this.#byLength.get(sql.length) ?? [];
		this.#byLength.set(sql.length, [...others, { sql, known }]);
	}
}
