/** Tenants and their one-off signing secrets. */
import { z } from "zod";
import type { JobKey } from "../../core/jobs/job.ts";
import type { Actor } from "../../core/tenants/audit.ts";
import {
	LIMIT_NAMES,
	type Tenant,
	TenantLimits,
	type TenantLimitsChange,
	type TenantUse,
} from "../../core/tenants/tenant.ts";
import { releaseForTenants } from "../admission/release.ts";
import {
	countOpenJobs,
	countSlots,
	countStoredBytes,
	type OpenCursor,
	revokeSlots,
	sumTokens,
} from "../admission/tenant-limits.ts";
import { column } from "../columns.ts";
import { type Database, NOW, type Statement } from "../database.ts";
import { jobKeysFromRows } from "../key-list.ts";
import { checkActor, mayAct, requireActor } from "./acting-key.ts";
import { audited, auditedReading } from "./audit-log.ts";

const COLUMNS = "id, name, limits, created_at";

const TenantRow = z.object({ id: z.string(), name: z.string(), limits: column(TenantLimits), created_at: z.number() });

function tenantFromRow(raw: unknown): Tenant {
	const row = TenantRow.parse(raw);
	return { tenantId: row.id, name: row.name, limits: row.limits, createdAt: row.created_at };
}

/** `?1` is the time. */
const USE_COLUMNS = `open_jobs, stored_bytes,
		        iif(limits ->> 'tokens_per_day' IS NULL, NULL, iif(tokens_day = ${NOW} / 86400000, tokens_of_day, 0)) AS tokens_today`;

const UseRow = z.object({
	open_jobs: z.number(),
	tokens_today: z.number().nullable(),
	stored_bytes: z.number().nullable(),
});

function tenantWithUse(raw: unknown): Tenant & { use: TenantUse } {
	const row = UseRow.parse(raw);
	const use = { openJobs: row.open_jobs, tokensToday: row.tokens_today, storedBytes: row.stored_bytes };
	return { ...tenantFromRow(raw), use };
}

export async function createTenant(
	db: Database,
	tenant: { tenantId: string; name: string; limits: TenantLimitsChange; sealedSecret: string },
	by: Actor,
): Promise<Tenant> {
	const { tenantId } = tenant;
	const [rows = []] = await db.transact("create tenant", [
		{
			sql: `INSERT INTO tenants (id, name, limits, webhook_secret, created_at)
			      VALUES (?2, ?3, ?4, ?5, ${NOW}) RETURNING ${COLUMNS}`,
			params: [db.clock(), tenantId, tenant.name, JSON.stringify(tenant.limits), tenant.sealedSecret],
		},
		audited(db, by, { action: "tenant.created", tenantId, target: tenantId }),
		countSlots(tenantId),
		countStoredBytes(tenantId, COUNTED_AT_ONCE),
	]);
	return tenantFromRow(rows[0]);
}

const find = (tenantId: string): Statement => ({
	sql: `SELECT ${COLUMNS} FROM tenants WHERE id = ?1 AND deleted_at IS NULL`,
	params: [tenantId],
});

/** Null: unknown or deleted. */
export async function findTenant(db: Database, tenantId: string): Promise<(Tenant & { use: TenantUse }) | null> {
	const row = await db.first("find tenant", {
		sql: `SELECT ${COLUMNS}, ${USE_COLUMNS} FROM tenants WHERE id = ?2 AND deleted_at IS NULL`,
		params: [db.clock(), tenantId],
	});
	return row === null ? null : tenantWithUse(row);
}

const AFTER_ANY_ID = "~";

/** Newest first. `after`: the last id of the previous page. */
export async function listTenants(
	db: Database,
	limit: number,
	after: string | null,
): Promise<(Tenant & { use: TenantUse })[]> {
	const rows = await db.all("list tenants", {
		sql: `SELECT ${COLUMNS}, ${USE_COLUMNS} FROM tenants
		 WHERE deleted_at IS NULL AND id < ?3 ORDER BY id DESC LIMIT ?2`,
		params: [db.clock(), limit, after ?? AFTER_ANY_ID],
	});
	return rows.map(tenantWithUse);
}

/** A change of a tenant, and the pages that follow from it. */
const writeChange = <Name extends string>(db: Database, statements: Record<Name, Statement | Statement[]>) =>
	db.transactNamed("update tenant", statements);

/** In one statement: open jobs of all tenants, or jobs of one. */
const COUNTED_AT_ONCE = 1_000;
/** Of one change of limits. Open jobs behind them do not count against a new limit. Stored bytes do after further changes. */
const PAGES_MAX = 200;

const NOT_COUNTED: Record<"counted" | "pageEnd", Statement[]> = { counted: [], pageEnd: [] };
const BEGINNING: OpenCursor = { sweepAt: -1, tenantId: "", jobId: "" };
const CursorRow = z.object({ sweep_at: z.number(), tenant_id: z.string(), id: z.string() });

function cursorFromRow(raw: unknown): OpenCursor {
	const row = CursorRow.parse(raw);
	return { sweepAt: row.sweep_at, tenantId: row.tenant_id, jobId: row.id };
}

/**
 * The pages after the first, which the change of limits itself counts. A job may move to a page that was counted before it, so
 * the pages begin again until one round finds no more.
 */
async function countOpenJobsAfter(db: Database, tenantId: string, firstEnd: unknown): Promise<void> {
	let end = firstEnd;
	let isFound = true;
	for (let page = 1; page < PAGES_MAX && (end !== undefined || isFound); page++) {
		if (end === undefined) isFound = false;
		const after = end === undefined ? BEGINNING : cursorFromRow(end);
		const rows = await writeChange(db, countOpenJobs(tenantId, after, COUNTED_AT_ONCE));
		isFound ||= rows.counted.length > 0;
		[end] = rows.pageEnd;
	}
}

/** The pages after the first. Each continues where the one before ended, in whichever request. */
async function countStoredBytesAfter(db: Database, tenantId: string, firstPage: unknown[]): Promise<void> {
	let isLeft = isMoreStored(firstPage);
	for (let page = 1; page < PAGES_MAX && isLeft; page++) {
		const { counted } = await writeChange(db, { counted: countStoredBytes(tenantId, COUNTED_AT_ONCE) });
		isLeft = isMoreStored(counted);
	}
}

const CountedRow = z.object({ is_left: z.number() }).optional();
const isMoreStored = ([row]: unknown[]) => CountedRow.parse(row)?.is_left === 1;

/** How many jobs one change of limits releases at most. The sweeper releases the rest. */
const RELEASED_MAX = 1_000;

export interface UpdatedTenant {
	tenant: Tenant;
	/** Jobs that may run now: enqueue them. */
	released: JobKey[];
}

/**
 * A null, and limits that `limits` does not name, stay as they are. The database merges them, so that of two changes at once
 * neither is lost. Without a change nothing is written. New limits apply at once, to existing jobs as well.
 */
export async function updateTenant(
	db: Database,
	tenantId: string,
	change: { name: string | null; limits: TenantLimitsChange | null },
	by: Actor,
): Promise<UpdatedTenant | null> {
	const { limits } = change;
	const changed = LIMIT_NAMES.filter((name) => limits?.[name] !== undefined);
	const name = "coalesce(?2, name)";
	// `json_patch` would remove a limit that is set to null, and its default would apply again.
	const merged = `json_set(limits${changed.map((name, at) => `, '$.${name}', CAST(?${3 + at} AS INTEGER)`).join("")})`;
	const rows = await writeChange(db, {
		updated: {
			sql: `UPDATE tenants SET name = ${name}, limits = ${merged}
			 WHERE id = ?1 AND deleted_at IS NULL AND (name, limits) <> (${name}, ${merged})`,
			params: [tenantId, change.name, ...changed.map((name) => limits?.[name] ?? null)],
		},
		// Right after the update: it reads `changes()`.
		audited: audited(db, by, { action: "tenant.updated", tenantId, target: tenantId }),
		found: find(tenantId),
		...(limits?.open_jobs == null ? NOT_COUNTED : countOpenJobs(tenantId, BEGINNING, COUNTED_AT_ONCE)),
		limited: limits === null ? [] : [sumTokens(db, tenantId), countSlots(tenantId), revokeSlots(db, tenantId)],
		stored: limits?.stored_bytes === undefined ? [] : countStoredBytes(tenantId, COUNTED_AT_ONCE),
		released: limits === null ? [] : releaseForTenants(db, [tenantId], RELEASED_MAX),
	});
	const [row] = rows.found;
	const [pageEnd] = rows.pageEnd;
	if (pageEnd !== undefined) await countOpenJobsAfter(db, tenantId, pageEnd);
	await countStoredBytesAfter(db, tenantId, rows.stored);
	return row === undefined ? null : { tenant: tenantFromRow(row), released: jobKeysFromRows(rows.released) };
}

/** The sealed secret that signs the tenant's one-off webhooks. Null: there is no such tenant. */
export async function revealWebhookSecret(db: Database, tenantId: string, by: Actor): Promise<string | null> {
	const [allowed, , [row] = []] = await db.transact<{ webhook_secret: string }>("reveal webhook secret", [
		checkActor(db, tenantId, by),
		auditedReading(db, by, { action: "signing_secret.read", tenantId, target: tenantId }),
		{ sql: "SELECT webhook_secret FROM tenants WHERE id = ?1 AND deleted_at IS NULL", params: [tenantId] },
	]);
	requireActor(allowed);
	return row?.webhook_secret ?? null;
}

/**
 * Safe to repeat with the same `sealedSecret` if the response was lost: a secret that is already current does not replace the
 * previous one.
 * `keepOldMs`: how long the old secret keeps signing beside the new one; 0: not at all.
 */
export async function rotateWebhookSecret(
	db: Database,
	tenantId: string,
	{ sealedSecret, keepOldMs }: { sealedSecret: string; keepOldMs: number },
	by: Actor,
): Promise<void> {
	const [allowed] = await db.transact("rotate webhook secret", [
		checkActor(db, tenantId, by),
		{
			sql: `UPDATE tenants
			   SET previous_webhook_secret = CASE WHEN ?4 > 0 THEN webhook_secret END,
			       previous_webhook_secret_until = CASE WHEN ?4 > 0 THEN ${NOW} + ?4 END, webhook_secret = ?3
			 WHERE id = ?2 AND webhook_secret <> ?3 AND deleted_at IS NULL AND ${mayAct("?5", "?2")}`,
			params: [db.clock(), tenantId, sealedSecret, keepOldMs, by.actor],
		},
		audited(db, by, { action: "signing_secret.rotated", tenantId, target: tenantId }),
	]);
	requireActor(allowed);
}
