/**
 * The audit log. An entry is a statement in the transaction of the act that it records, right after the one that acts:
 * every act has an entry, and every entry an act.
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

/** The retention that the table's trigger enforces. */
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
	/** Null: a key's own tenant, where a key is all that is named. */
	tenantId: string | null;
}

/**
 * Records the statement just before, if that changed anything. A request repeated because its first response was lost makes
 * one entry.
 */
export function audited(db: Database, by: Actor, act: Act): Statement {
	return entry(db, by, act, "changes() > 0");
}

/** For acts outside the database: recorded before they happen, so that none goes unrecorded. */
export async function recordAct(db: Database, by: Actor, act: Act): Promise<void> {
	await db.all("record act", entry(db, by, act, "TRUE"));
}

function entry(db: Database, { actor, requestId }: Actor, act: Act, condition: string): Statement {
	return {
		sql: `INSERT INTO audit_log (${COLUMNS})
		SELECT coalesce(?2, (SELECT tenant_id FROM api_keys WHERE id = ?6)), ?3, ${NOW}, ?4, ?5, ?6 WHERE ${condition}`,
		params: [db.clock(), act.tenantId, entryIdOf(requestId), actor, act.action, act.target],
	};
}

/** Newest first, or oldest. `after`: the last id of the page before. */
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

/** Oldest first. By the database's own clock, whatever is bound: the trigger that guards the table goes by no other. */
export async function pruneAuditLog(db: Database, limit: number): Promise<number> {
	const rows = await db.all("prune audit log", {
		sql: `DELETE FROM audit_log WHERE (tenant_id, id) IN (
		       SELECT tenant_id, id FROM audit_log WHERE at <= ${OWN_CLOCK} - ${KEPT_MS} ORDER BY at LIMIT ?1) RETURNING id`,
		params: [limit],
	});
	return rows.length;
}
