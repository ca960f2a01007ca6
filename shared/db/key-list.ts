/** Jobs named by their keys. */
import type { JobKey } from "../core/jobs/job.ts";
import { DELETED_TENANTS } from "./deleted-tenants.ts";

/** Keys as one bound parameter, whatever their number: D1 binds a hundred at most. */
export function keyList(keys: readonly JobKey[]): string {
	return JSON.stringify(keys.map((key) => [key.tenantId, key.jobId]));
}

/** The rows of that list. @param list the parameter that it is bound as */
export const isListed = (list: string) =>
	`(tenant_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${list}))`;

/** The jobs in that list, bound as `?2`, except those of deleted tenants, which are not served. */
export const REQUESTED = `(tenant_id, id) IN (
	SELECT value ->> 0, value ->> 1 FROM json_each(?2) WHERE value ->> 0 NOT IN ${DELETED_TENANTS})`;

/** From rows with `tenant_id` and `id`. */
export function jobKeysFromRows(rows: readonly Record<string, unknown>[]): JobKey[] {
	return rows.map((row) => ({ tenantId: String(row.tenant_id), jobId: String(row.id) }));
}
