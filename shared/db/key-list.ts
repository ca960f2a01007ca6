/** Rows named by their keys, in one bound parameter. */
import type { JobKey } from "../core/jobs/job.ts";
import { DELETED_TENANTS } from "./deleted-tenants.ts";

/** Keys as one bound parameter, whatever their number: D1 binds a hundred at most. */
export function keyList(keys: JobKey[]): string {
	return JSON.stringify(keys.map((key) => [key.tenantId, key.jobId]));
}

/** Of the jobs in that list, bound as `?2`: no deleted tenant's, for nothing of one is served. */
export const ASKED = `(tenant_id, id) IN (
	SELECT value ->> 0, value ->> 1 FROM json_each(?2) WHERE value ->> 0 NOT IN ${DELETED_TENANTS})`;
