/**
 * The audit log. An entry is inserted in the transaction of its act, right after the statement that acts: there is no act
 * without its entry, and no entry without its act.
 */
import { z } from "zod";
import {
	type Actor,
	AUDIT_ACTIONS,
	type AuditAction,
	type AuditEntry,
	entryIdOf,
	requestIdOf,
} from "../../core/tenants/audit.ts";
import { type Database, NOW, OWN_CLOCK, type Statement } from "../database.ts";
import { checkActor, mayAct, requireActor } from "./acting-key.ts";

/** As in the table's trigger, which prevents earlier deletion. */
const KEPT_MS = 400 * 24 * 3_600_000;

const EntryRow = z.object({
	tenant_id: z.string(),
	id: z.string(),
	at: z.number(),
	actor: z.string(),
	action: z.enum(AUDIT_ACTIONS),
	target: z.string(),
});
const COLUMNS = Object.keys(EntryRow.shape).join(", ");

/** What was done, to what, and whose that is. */
export interface Act {
	action: AuditAction;
	target: string;
	/** Null: `target` is a key, and the entry belongs to its tenant. */
	tenantId: string | null;
}

/** Records the statement right before it, if that changed a row. Must come right after it: it reads `changes()`. */
export function audited(db: Database, by: Actor, act: Act): Statement {
	return entry(db, by, act, "changes() > 0");
}

/**
 * Records one act on each of several targets. Must come right before the statement that acts, in a request that makes no other
 * act. A repeated write finds no target left.
 * @param targets a query of `tenant_id` and `target`, with three parameters, of which `?1` is the clock
 */
export function auditedEach({ actor, requestId }: Actor, action: AuditAction, { sql, params }: Statement): Statement {
	return {
		sql: `INSERT INTO audit_log (${COLUMNS})
		SELECT tenant_id, ?4 || iif(ordinal = 0, '', printf('_%04d', ordinal)), ${NOW}, ?5, ?6, target
		  FROM (SELECT *, row_number() OVER () - 1 AS ordinal FROM (${sql}))`,
		params: [...params, entryIdOf(requestId), actor, action],
	};
}

/** Records that a secret of a tenant is read, if the actor may act. */
export function auditedReading(db: Database, by: Actor, act: Act & { tenantId: string }): Statement {
	return entry(db, by, act, mayAct("?4", "?2"));
}

/** How long no other sign-in of a key is recorded, so that a page that signs in with each view does not fill the log. */
const SIGN_IN_RECORDED_MS = 3_600_000;
/** Looked through for an earlier sign-in: a bound on what the look-up reads. */
const ENTRIES_SEARCHED = 100;

/** Records that a session of this key is about to begin. Throws `KeyNotInForce` if it may not. */
export async function recordSignIn(
	db: Database,
	{ keyId, tenantId }: { keyId: string; tenantId: string },
	requestId: string,
): Promise<void> {
	const by = { actor: keyId, requestId };
	const isRecorded = `EXISTS (SELECT 1 FROM (
		SELECT at, action, target FROM audit_log WHERE tenant_id = ?2 ORDER BY id DESC LIMIT ${ENTRIES_SEARCHED})
		 WHERE action = ?5 AND target = ?6 AND at > ${NOW} - ${SIGN_IN_RECORDED_MS})`;
	const [allowed] = await db.transact("record sign-in", [
		checkActor(db, tenantId, by),
		entry(
			db,
			by,
			{ action: "session.created", tenantId, target: keyId },
			`${mayAct("?4", "?2")} AND NOT ${isRecorded}`,
		),
	]);
	requireActor(allowed);
}

/** For an act outside the database. Call it before the act, so that every act is recorded. */
export async function recordAct(db: Database, by: Actor, act: Act): Promise<void> {
	await db.all("record act", entry(db, by, act, "TRUE"));
}

/**
 * A request may make several acts, and each gets an entry. The same act again is a write that was repeated because its
 * response was lost, and gets none.
 */
function entry(db: Database, { actor, requestId }: Actor, act: Act, condition: string): Statement {
	const ofRequest = "audit_log.tenant_id = owner.id AND audit_log.id >= ?3 AND audit_log.id < ?3 || '`'";
	return {
		sql: `INSERT INTO audit_log (${COLUMNS})
		SELECT owner.id,
		       ?3 || (SELECT iif(count(*) = 0, '', printf('_%04d', count(*))) FROM audit_log WHERE ${ofRequest}),
		       ${NOW}, ?4, ?5, ?6
		  FROM (SELECT coalesce(?2, (SELECT tenant_id FROM api_keys WHERE id = ?6)) AS id) AS owner
		 WHERE ${condition}
		   AND NOT EXISTS (SELECT 1 FROM audit_log WHERE ${ofRequest} AND action = ?5 AND target = ?6)`,
		params: [db.clock(), act.tenantId, entryIdOf(requestId), actor, act.action, act.target],
	};
}

/** `after`: the last id of the previous page. */
export async function listAuditLog(
	db: Database,
	tenantId: string,
	{ limit, after, isAscending }: { limit: number; after: string | null; isAscending: boolean },
): Promise<AuditEntry[]> {
	const [comparison, direction] = isAscending ? [">", "ASC"] : ["<", "DESC"];
	const rows = await db.all("list audit log", {
		sql: `SELECT ${COLUMNS} FROM audit_log
		 WHERE tenant_id = ?1 AND (?3 IS NULL OR id ${comparison} ?3) ORDER BY id ${direction} LIMIT ?2`,
		params: [tenantId, limit, after],
	});
	return rows.map((raw) => {
		const row = EntryRow.parse(raw);
		const { tenant_id: tenantId, id: entryId, ...plain } = row;
		return { ...plain, tenantId, entryId, requestId: requestIdOf(entryId) };
	});
}

/** Oldest first. By the database's own clock, even if another is bound: the trigger that guards the table uses no other. */
export async function pruneAuditLog(db: Database, limit: number): Promise<number> {
	const rows = await db.all("prune audit log", {
		sql: `DELETE FROM audit_log WHERE (tenant_id, id) IN (
		       SELECT tenant_id, id FROM audit_log WHERE at <= ${OWN_CLOCK} - ${KEPT_MS} ORDER BY at LIMIT ?1) RETURNING id`,
		params: [limit],
	});
	return rows.length;
}
