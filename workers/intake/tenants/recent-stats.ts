/** The counts of a tenant, kept for a moment, so that many open pages cost what one does. */
import type { JobCounts } from "../../../shared/db/jobs/count-jobs.ts";

const KEPT_MS = 2_000;
/** Bounds the memory. */
const TENANTS_MAX = 1_000;

/** Of one isolate. It keeps what was read and no promise: the runtime ends those of other requests. */
export class RecentStats {
	readonly #kept = new Map<string, { counts: JobCounts; until: number }>();

	async read(tenantId: string, now: number, read: () => Promise<JobCounts>): Promise<JobCounts> {
		const kept = this.#kept.get(tenantId);
		if (kept !== undefined && kept.until > now) return kept.counts;
		const counts = await read();
		if (this.#kept.size >= TENANTS_MAX) this.#kept.clear();
		this.#kept.set(tenantId, { counts, until: now + KEPT_MS });
		return counts;
	}
}
