/**
 * Acts with a lasting effect: a new key, endpoint or secret. Authentication may accept a revoked key for some seconds, so these
 * acts check the key in their own transaction.
 */
import { KeyNotInForce } from "../../core/errors.ts";
import { type Actor, OPERATOR } from "../../core/tenants/audit.ts";
import { type Database, NOW, type Statement } from "../database.ts";

export const IN_FORCE = `revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ${NOW})`;

/** The condition that `actor` is the operator, or a key of `tenant` in force. Both are parameters; `?1` is the clock. */
export function mayAct(actor: string, tenant: string): string {
	return `(${actor} = '${OPERATOR}' OR EXISTS (SELECT 1 FROM api_keys WHERE id = ${actor} AND tenant_id = ${tenant} AND ${IN_FORCE}))`;
}

/** Has a row if the actor may act. Goes into the transaction of the act, whose writes have the same condition. */
export function checkActor(db: Database, tenantId: string, { actor }: Actor): Statement {
	return { sql: `SELECT 1 AS allowed WHERE ${mayAct("?2", "?3")}`, params: [db.clock(), actor, tenantId] };
}

/** @param rows the result of `checkActor` */
export function requireActor(rows: readonly unknown[] | undefined): void {
	if (rows?.length !== 1) throw new KeyNotInForce();
}
