/** Pages of lists with filters: each looks at a bounded number of rows, so a filter that few match gives short pages, not slow ones. */
import type { Statement } from "./database.ts";

/** Rows in the order of an index, of a table whose key is `tenant_id` and `id`. The first parameter is the tenant. */
export interface Listing {
	table: "jobs" | "deliveries";
	columns: string;
	/** Null: the primary key. */
	index: string | null;
	where: string;
	order: string;
	/** The id of the last of the rows that were looked at. */
	lastId: string;
	/** What a row must match besides. Null: a page has all rows. */
	matches: string | null;
	/** How many rows a page looks at. */
	rowsMax: number;
	/** The parameter that is one more than the page has: if that row matches, there is a next page. */
	limit: `?${number}`;
}

/** With the columns of the listing besides. */
export type Row = { id: string; is_match: number; looked_at: number };

export interface Page<Item> {
	items: Item[];
	hasMore: boolean;
	/** Where the next page starts: the last id read, which need not be the last one on the page. */
	nextAfter: string | null;
}

/** The rows that match, and the last one looked at, whether it matches or not. Only the page's rows are read whole. */
export function pageStatement(listing: Listing, params: Statement["params"]): Statement {
	const { table, columns, index, where, order, lastId, matches, rowsMax, limit } = listing;
	const from = index === null ? table : `${table} INDEXED BY ${index}`;
	if (matches === null) {
		const sql = `SELECT ${columns}, 1 AS is_match, 0 AS looked_at FROM ${from} WHERE ${where} ORDER BY ${order} LIMIT ${limit}`;
		return { sql, params };
	}
	return {
		sql: `WITH looked AS MATERIALIZED (
			SELECT id, created_at, ${matches} AS is_match FROM ${from} WHERE ${where} ORDER BY ${order} LIMIT ${rowsMax}),
		seen AS MATERIALIZED (SELECT count(*) AS looked_at, ${lastId} AS last FROM looked),
		page AS MATERIALIZED (
			SELECT id, is_match, looked_at FROM seen CROSS JOIN looked WHERE is_match OR id = last ORDER BY ${order} LIMIT ${limit})
		SELECT ${columns}, is_match, looked_at FROM page CROSS JOIN ${table} USING (id) WHERE tenant_id = ?1 ORDER BY ${order}`,
		params,
	};
}

export function pageFrom<Item>(
	rows: Row[],
	{ limit, rowsMax }: { limit: number; rowsMax: number },
	fromRow: (row: Row) => Item,
): Page<Item> {
	const matching = rows.filter((row) => row.is_match === 1);
	const page = matching.slice(0, limit);
	const isFull = matching.length > limit;
	const hasMore = isFull || (rows[0]?.looked_at ?? 0) >= rowsMax;
	const lastSeen = isFull ? page.at(-1)?.id : rows.at(-1)?.id;
	return { items: page.map(fromRow), hasMore, nextAfter: hasMore ? (lastSeen ?? null) : null };
}
