/**
 * A recursive common table expression `name (key)`: each distinct value of `column`, up to `limit`, and a null after the last
 * one. Each takes one look-up in the index on `column`, however many rows have it.
 */
export const distinctKeys = (name: string, table: string, column: string, limit = -1) => `${name} (key) AS (
	SELECT min(${column}) FROM ${table} WHERE ${column} IS NOT NULL
	UNION ALL
	SELECT (SELECT min(${column}) FROM ${table} WHERE ${column} > ${name}.key) FROM ${name} WHERE ${name}.key IS NOT NULL
	LIMIT ${limit})`;
