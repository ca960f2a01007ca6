/** Lists deliveries, newest first: a tenant's in the order of their ids, which sort by job, an endpoint's by their own times. */

import type { Delivery, DeliveryState } from "../../core/webhooks/delivery.ts";
import type { EventType } from "../../core/webhooks/events.ts";
import type { Database, Statement } from "../database.ts";
import { DELIVERY_COLUMNS, deliveryFromRow } from "./delivery-row.ts";

/** How many rows a page looks at: a filter that few deliveries match gives short pages, not slow ones. */
const ROWS_LOOKED_AT_MAX = 1_000;

export interface DeliveryFilter {
	endpointId: string | null;
	/** Null: in any state. */
	statuses: DeliveryState[] | null;
	eventType: EventType | null;
	createdAfter: number | null;
}

export interface DeliveryQuery {
	tenantId: string;
	filter: DeliveryFilter;
	limit: number;
	/** `nextAfter` of the page before. In the list of an endpoint, the delivery must still exist. */
	after: string | null;
}

export interface DeliveryPage {
	deliveries: Delivery[];
	hasMore: boolean;
	/** Where the next page starts: the last id read, which need not be the last one on the page. */
	nextAfter: string | null;
}

export async function listDeliveryPage(db: Database, query: DeliveryQuery): Promise<DeliveryPage> {
	const { limit } = query;
	const range = rangeOf(query);
	const statement = isFiltered(query.filter) ? filtered(query, range) : whole(query, range);
	const rows = await db.all<{ id: string; is_match: number; looked_at: number }>("list deliveries", statement);
	const matching = rows.filter((row) => row.is_match === 1);
	const page = matching.slice(0, limit);
	const isFull = matching.length > limit;
	const hasMore = isFull || (rows[0]?.looked_at ?? 0) >= range.rowsMax;
	const lastSeen = isFull ? page.at(-1)?.id : rows.at(-1)?.id;
	return { deliveries: page.map(deliveryFromRow), hasMore, nextAfter: hasMore ? (lastSeen ?? null) : null };
}

/** Rows in an order that an index has. Parameters: ?1 tenant, ?2 endpoint, ?3 `after`, ?4 created after, ?5 limit. */
interface Range {
	from: string;
	where: string;
	order: string;
	reversed: string;
	rowsMax: number;
}

/** What narrows a page to the index of the deliveries that failed. */
const FAILED = {
	from: "deliveries INDEXED BY deliveries_failed",
	where: "tenant_id = ?1 AND status IN ('exhausted', 'skipped')",
};

/** Two values instead of one subquery with two columns: only then does SQLite seek in the index. */
const IS_OLDER = " AND (created_at, id) < ((SELECT created_at FROM deliveries WHERE tenant_id = ?1 AND id = ?3), ?3)";

function rangeOf({ filter: { endpointId, statuses, createdAfter }, after }: DeliveryQuery): Range {
	if (endpointId !== null) {
		const isOlder = after === null ? "" : IS_OLDER;
		return {
			from: "deliveries INDEXED BY deliveries_of_endpoint",
			where: `tenant_id = ?1 AND endpoint_id = ?2${isOlder}${createdAfter === null ? "" : " AND created_at > ?4"}`,
			order: "created_at DESC, id DESC",
			reversed: "created_at, id",
			// Each costs an entry of the index and a row.
			rowsMax: ROWS_LOOKED_AT_MAX / 2,
		};
	}
	const isOfFailed = statuses?.every((status) => status === "exhausted" || status === "skipped") ?? false;
	const { from, where } = isOfFailed ? FAILED : { from: "deliveries", where: "tenant_id = ?1" };
	return {
		from,
		where: after === null ? where : `${where} AND id < ?3`,
		order: "id DESC",
		reversed: "id",
		rowsMax: isOfFailed ? ROWS_LOOKED_AT_MAX / 2 : ROWS_LOOKED_AT_MAX,
	};
}

function isFiltered({ endpointId, statuses, eventType, createdAfter }: DeliveryFilter): boolean {
	// The list of an endpoint starts at a time without looking at earlier rows.
	return statuses !== null || eventType !== null || (createdAfter !== null && endpointId === null);
}

function whole(query: DeliveryQuery, { from, where, order }: Range): Statement {
	return {
		sql: `SELECT ${DELIVERY_COLUMNS}, 1 AS is_match, 0 AS looked_at FROM ${from} WHERE ${where} ORDER BY ${order} LIMIT ?5`,
		params: paramsOf(query),
	};
}

/** The rows that match, and the last one looked at, whether it matches or not. Only the page's rows are read whole. */
function filtered(query: DeliveryQuery, { from, where, order, reversed, rowsMax }: Range): Statement {
	const { statuses, eventType } = query.filter;
	return {
		sql: `WITH looked AS MATERIALIZED (
			SELECT id, created_at,
			       (?6 IS NULL OR instr(?6, ' ' || status || ' ') > 0) AND (?7 IS NULL OR event_type = ?7)
			   AND (?4 IS NULL OR created_at > ?4) AS is_match
			  FROM ${from} WHERE ${where} ORDER BY ${order} LIMIT ${rowsMax}),
		seen AS MATERIALIZED (
			SELECT count(*) AS looked_at, (SELECT id FROM looked ORDER BY ${reversed} LIMIT 1) AS last FROM looked),
		page AS MATERIALIZED (
			SELECT id, is_match, looked_at FROM seen CROSS JOIN looked WHERE is_match OR id = last ORDER BY ${order} LIMIT ?5)
		SELECT ${DELIVERY_COLUMNS}, is_match, looked_at FROM page CROSS JOIN deliveries USING (id)
		 WHERE tenant_id = ?1 ORDER BY ${order}`,
		params: [...paramsOf(query), statuses === null ? null : ` ${statuses.join(" ")} `, eventType],
	};
}

function paramsOf({ tenantId, filter, after, limit }: DeliveryQuery): Statement["params"] {
	// One more: if it matches, there is a next page; if not, it is the last row looked at.
	return [tenantId, filter.endpointId, after, filter.createdAfter, limit + 1];
}
