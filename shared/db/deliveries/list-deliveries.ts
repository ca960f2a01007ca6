/** Lists deliveries, newest first: a tenant's in the order of their ids, which sort by job, an endpoint's by their own times. */

import type { Delivery, DeliveryState } from "../../core/webhooks/delivery.ts";
import type { EventType } from "../../core/webhooks/events.ts";
import { type Listing, type Page, pageFrom, pageStatement, type Row } from "../bounded-page.ts";
import type { Database } from "../database.ts";
import { DELIVERY_COLUMNS, deliveryFromRow } from "./delivery-row.ts";

/** How many rows a page reads at most. */
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

export async function listDeliveryPage(db: Database, query: DeliveryQuery): Promise<Page<Delivery>> {
	const { filter, limit } = query;
	const listing = { ...(filter.endpointId === null ? ofTenant(query) : ofEndpoint(query)), ...SHARED };
	const { statuses, eventType } = filter;
	const statement = pageStatement(listing, [
		...[query.tenantId, filter.endpointId, query.after, filter.createdAfter, limit + 1],
		...(listing.matches === null ? [] : [statuses === null ? null : ` ${statuses.join(" ")} `, eventType]),
	]);
	return pageFrom(await db.all<Row>("list deliveries", statement), { ...listing, limit }, deliveryFromRow);
}

/** Parameters: ?1 tenant, ?2 endpoint, ?3 `after`, ?4 created after, ?5 limit, and with a filter ?6 states and ?7 type. */
const SHARED = { table: "deliveries", columns: DELIVERY_COLUMNS, limit: "?5" } as const;

const MATCHES = "(?6 IS NULL OR instr(?6, ' ' || status || ' ') > 0) AND (?7 IS NULL OR event_type = ?7)";

/** Narrows a page to an index of the deliveries that failed. */
const HAS_FAILED = "AND status IN ('exhausted', 'skipped')";

function areFailed(statuses: DeliveryState[] | null): boolean {
	return statuses?.every((status) => status === "exhausted" || status === "skipped") ?? false;
}

/** The id has the time of the job, which may be weeks before the event, so no bound on ids follows from `createdAfter`. */
function ofTenant({ filter: { statuses, eventType, createdAfter }, after }: DeliveryQuery) {
	const isOfFailed = areFailed(statuses);
	const isFiltered = statuses !== null || eventType !== null || createdAfter !== null;
	return {
		index: isOfFailed ? "deliveries_failed" : null,
		where: `tenant_id = ?1 ${after === null ? "" : "AND id < ?3"} ${isOfFailed ? HAS_FAILED : ""}`,
		order: "id DESC",
		lastId: "min(id)",
		matches: isFiltered ? `${MATCHES} AND (?4 IS NULL OR created_at > ?4)` : null,
		// Each of an index costs its entry and a row.
		rowsMax: isOfFailed ? ROWS_LOOKED_AT_MAX / 2 : ROWS_LOOKED_AT_MAX,
	} satisfies Partial<Listing>;
}

/** Two values instead of one subquery with two columns: only then does SQLite seek in the index. */
const IS_OLDER = "AND (created_at, id) < ((SELECT created_at FROM deliveries WHERE tenant_id = ?1 AND id = ?3), ?3)";

function ofEndpoint({ filter: { statuses, eventType, createdAfter }, after }: DeliveryQuery) {
	const isOfFailed = areFailed(statuses);
	const bounds = [after === null ? "" : IS_OLDER, createdAfter === null ? "" : "AND created_at > ?4"];
	return {
		index: isOfFailed ? "deliveries_failed_of_endpoint" : "deliveries_of_endpoint",
		where: `tenant_id = ?1 AND endpoint_id = ?2 ${bounds.join(" ")} ${isOfFailed ? HAS_FAILED : ""}`,
		order: "created_at DESC, id DESC",
		lastId: "(SELECT id FROM looked ORDER BY created_at, id LIMIT 1)",
		matches: statuses === null && eventType === null ? null : MATCHES,
		rowsMax: ROWS_LOOKED_AT_MAX / 2,
	} satisfies Partial<Listing>;
}
