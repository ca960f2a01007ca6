/** Which jobs of a request may run now, as SQL: what is due, what keeps it away, and whether there is a slot for it. */
import { NOW } from "../database.ts";
import { ASKED } from "../key-list.ts";
import { overBudget } from "./tenant-limits.ts";
import { getsSlot } from "./tenant-slots.ts";

/** Jobs of this request, with their places at the doors of their credential and of their model. */
export const placed = (condition: string) => `(
	SELECT tenant_id, id, status, credential, model, deadline_at, slot,
	       row_number() OVER (PARTITION BY tenant_id, slot IS NULL ORDER BY priority DESC, id) AS place_in_tenant,
	       row_number() OVER (PARTITION BY credential ORDER BY priority DESC, id) AS place_in_credential,
	       row_number() OVER (PARTITION BY credential, model ORDER BY priority DESC, id) AS place_at_model
	  FROM jobs WHERE ${ASKED} AND (${condition})) AS placed`;

/**
 * Kept away by a cool-down, before its time or behind more than it has slots; or because its tenant has spent what it may.
 * Past its deadline a job makes no call, and nothing keeps it from being settled.
 */
export const GATED = `deadline_at > ${NOW} AND (
	   ${overBudget("placed.tenant_id")}
	OR EXISTS (SELECT 1 FROM breakers WHERE key = placed.credential AND (open_until > ${NOW} OR permits < place_in_credential))
	OR EXISTS (SELECT 1 FROM breakers
	            WHERE key = placed.credential || '|' || placed.model AND (open_until > ${NOW} OR permits < place_at_model)))`;

/** Of a tenant that has slots left, those who need one get one in their order. */
export const HAS_SLOT = `CASE WHEN slot IS NOT NULL OR deadline_at <= ${NOW} THEN TRUE
	ELSE ${getsSlot("placed.tenant_id", "place_in_tenant")} END`;

/** Whose time has come, or whose holder is gone, or who is to be told that it is too late. */
export const DUE = `(status = 'queued' AND ((run_at <= ${NOW} AND parked_on IS NULL) OR deadline_at <= ${NOW}))
	OR (status = 'running' AND lease_expires_at <= ${NOW})`;
