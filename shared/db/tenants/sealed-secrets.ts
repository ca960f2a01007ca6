/** Finds secrets by the key that sealed them, so that SIGNING_KEY can be replaced and the old one removed. */
import { z } from "zod";
import type { Database, Statement } from "../database.ts";

/** All columns with secrets: table, column, and the columns of tenant and endpoint. A tenant's own secret has no endpoint. */
const PLACES = [
	["tenants", "webhook_secret", "id", "NULL"],
	["tenants", "previous_webhook_secret", "id", "NULL"],
	["webhook_endpoints", "secret", "tenant_id", "id"],
	["webhook_endpoints", "previous_secret", "tenant_id", "id"],
] as const;

/** A condition on the id of the key that sealed `column`, in the form of the indexes, which leave out nulls. */
const sealedWith = (column: string, condition: (keyId: string) => string) =>
	`${column} IS NOT NULL AND ${condition(`substr(${column}, 4, 8)`)}`;

const COUNTED_MAX = 1_000;

const SecretRow = z.object({
	place: z.number(),
	tenant_id: z.string(),
	endpoint_id: z.string().nullable(),
	sealed: z.string(),
});

export interface StoredSecret {
	/** The index of its column in `PLACES`. */
	place: number;
	tenantId: string;
	/** Null: it signs its tenant's one-off webhooks. */
	endpointId: string | null;
	sealed: string;
}

/** Secrets are ordered by column, tenant and endpoint. */
export type SecretCursor = Pick<StoredSecret, "place" | "tenantId" | "endpointId">;

/** A page of the secrets sealed with the key of this id. @param after the last secret of the previous page */
export async function findSecretsSealedWith(
	db: Database,
	keyId: string,
	{ limit, after }: { limit: number; after: SecretCursor | null },
): Promise<StoredSecret[]> {
	const each = PLACES.map(
		([table, column, tenant, endpoint], place) =>
			`SELECT * FROM (SELECT ${place} AS place, ${tenant} AS tenant_id, ${endpoint} AS endpoint_id, ${column} AS sealed
			                  FROM ${table} WHERE ${sealedWith(column, (key) => `${key} = ?1`)}
			                   AND (${place}, ${tenant}, coalesce(${endpoint}, '')) > (?3, ?4, ?5)
			                 ORDER BY ${endpoint === "NULL" ? tenant : `${tenant}, ${endpoint}`} LIMIT ?2)`,
	);
	const rows = await db.all("find secrets sealed with", {
		sql: `${each.join(" UNION ALL ")} LIMIT ?2`,
		params: [keyId, limit, after?.place ?? -1, after?.tenantId ?? "", after?.endpointId ?? ""],
	});
	return rows.map((raw) => {
		const { place, tenant_id: tenantId, endpoint_id: endpointId, sealed } = SecretRow.parse(raw);
		return { place, tenantId, endpointId, sealed };
	});
}

/** Replaces sealed secrets by `resealed`, and returns how many. A secret that was rotated meanwhile stays as it is. */
export async function replaceSeals(
	db: Database,
	secrets: readonly (StoredSecret & { resealed: string })[],
): Promise<number> {
	if (secrets.length === 0) return 0;
	const rows = await db.transact(
		"replace sealed secrets",
		PLACES.map((_, place) =>
			replaceIn(
				place,
				secrets.filter((secret) => secret.place === place),
			),
		),
	);
	return rows.reduce((sum, { length }) => sum + length, 0);
}

function replaceIn(place: number, secrets: readonly (StoredSecret & { resealed: string })[]): Statement {
	const [table, column, tenant, endpoint] = PLACES[place] ?? PLACES[0];
	const list = secrets.map(({ tenantId, endpointId, sealed, resealed }) => [tenantId, endpointId, sealed, resealed]);
	return {
		sql: `UPDATE ${table} SET ${column} = fresh.resealed
		  FROM (SELECT value ->> 0 AS tenant, value ->> 1 AS endpoint, value ->> 2 AS sealed, value ->> 3 AS resealed
		          FROM json_each(?1)) AS fresh
		 WHERE ${table}.${tenant} = fresh.tenant AND ${endpoint === "NULL" ? "TRUE" : `${table}.${endpoint} = fresh.endpoint`}
		   AND ${table}.${column} = fresh.sealed
		RETURNING ${tenant}`,
		params: [JSON.stringify(list)],
	};
}

export interface SealCounts {
	/** Sealed with the previous key, which can be removed when this is 0. */
	underPrevious: number;
	/** Sealed with neither key: they cannot be opened. */
	underUnknown: number;
}

/** Counts up to a thousand in each column. */
export async function countSeals(
	db: Database,
	{ currentKeyId, previousKeyId }: { currentKeyId: string; previousKeyId: string | null },
): Promise<SealCounts> {
	const count = (...conditions: ((key: string) => string)[]) =>
		PLACES.flatMap(([table, column]) =>
			conditions.map((condition) => countIn(table, sealedWith(column, condition))),
		).join(" + ");
	// The secret of a deleted tenant is empty: no key sealed it.
	const row = await db.first<{ previous: number; others: number }>("count sealed secrets", {
		sql: `SELECT ${count((key) => `${key} = ?2`)} AS previous,
		       ${count(
							(key) => `${key} > '' AND ${key} < ?1`,
							(key) => `${key} > ?1`,
						)} AS others`,
		params: [currentKeyId, previousKeyId],
	});
	const { previous = 0, others = 0 } = row ?? {};
	return { underPrevious: previous, underUnknown: Math.max(0, others - previous) };
}

const countIn = (table: string, condition: string) =>
	`(SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE ${condition} LIMIT ${COUNTED_MAX}))`;
