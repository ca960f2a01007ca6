/** What the counts of jobs say together. */
import type { Stats } from "../../../client/schemas.ts";

/** Of all that ended, those that failed or expired. The same rate as on the pages of usage and models. */
export function endedOf({ succeeded, failed, expired, cancelled }: Omit<Stats["ended_24h"], "or_more">) {
	return { ended: succeeded + failed + expired + cancelled, unsuccessful: failed + expired };
}

/** Whether no job is open. The newest one may wait for later before the sweeper has counted it. */
export function isIdle({ open, due_later }: Stats, newest: string | undefined): boolean {
	const isNewestOpen = newest === "queued" || newest === "running";
	return open.length === 0 && due_later.value === 0 && !due_later.or_more && !isNewestOpen;
}
