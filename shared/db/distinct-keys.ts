/**
 * A common table expression `name (key)` with each value of `column` once, and a null at the end. Each value is found by one
 * step through the index on `column`, however many rows have it.
 */
export const distinctKeys = (name: string, table: string, column: string) => `RECURSIVE ${name} (key) AS (
	SELECT min(${column}) FROM ${table} WHERE ${column} IS NOT NULL
	UNION ALL
	SELECT (SELECT min(${column}) FROM ${table} WHERE ${column} > ${name}.key) FROM ${name} WHERE ${name}.key IS NOT NULL)`;
