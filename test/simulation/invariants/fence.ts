/**
 * S3: only the holder of the highest lease settles or extends; besides it a caller may cancel, and the sweeper expire
 * what is queued. S11: no job is leased that is leased, parked, or not due.
 */
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import type { World } from "../world/world.ts";
import { isFinalRow, numberOf } from "./rows.ts";

export function watchFence({ ledger, world, claims }: Simulation): undefined {
	ledger.on("jobs", (changed) => {
		const problem = problemWith(changed, world, claims.last(changed.id)?.by ?? null);
		if (problem !== null) world.violate(problem.invariant, `${changed.by?.name} ${problem.message} ${changed.id}`);
	});
}

type Problem = { invariant: "S3" | "S11"; message: string } | null;

/**
 * @param holder who has the highest lease; after a claim, who made it. A deadline that was read as passed stays so for
 * the reader, even where the clock jumps back before it writes.
 */
function problemWith({ before, after, by }: Changed, world: World, holder: Changed["by"]): Problem {
	const { databaseNow: now, jumpedMs } = world;
	// Without `by`, a scenario set its stage.
	if (before === null || after === null || by === null) return null;
	const [was, is] = [numberOf(before, "fence"), numberOf(after, "fence")];
	if (is > was) return problemWithClaim({ before, after }, now);
	if (is < was) return { invariant: "S3", message: "lowered the lease of" };
	if (before.status === "queued" && isFinalRow(after)) {
		return mayEndQueued(by.name, after.status, numberOf(before, "deadline_at") <= now + jumpedMs)
			? null
			: { invariant: "S3", message: `made ${after.status}, while it was queued, the job` };
	}
	if (before.status !== "running") return null;
	if (after.status === "running") {
		const isExtended = before.lease_expires_at !== after.lease_expires_at;
		return isExtended && by !== holder ? { invariant: "S3", message: "extended another's lease of" } : null;
	}
	const isCancel = after.status === "cancelled" && by?.name.startsWith("intake") === true;
	return by === holder || isCancel ? null : { invariant: "S3", message: `made ${after.status}, without its lease,` };
}

function problemWithClaim({ before, after }: { before: Row; after: Row }, now: number): Problem {
	if (numberOf(after, "fence") !== numberOf(before, "fence") + 1 || after.status !== "running") {
		return { invariant: "S3", message: "skipped a lease of" };
	}
	// What is past its deadline makes no call: it may be leased to be ended, parked or not.
	const isOverdue = numberOf(before, "deadline_at") <= now;
	const isDue = numberOf(before, "run_at") <= now && before.parked_on === null;
	const isFree =
		(before.status === "queued" && (isDue || isOverdue)) ||
		(before.status === "running" && numberOf(before, "lease_expires_at") <= now);
	return isFree ? null : { invariant: "S11", message: `leased, though it was ${before.status} and not free,` };
}

function mayEndQueued(who: string, status: unknown, isOverdue: boolean): boolean {
	if (status === "cancelled") return who.startsWith("intake");
	// An invocation that finds a stored result may finalize a queued job, too.
	return who.startsWith("sweeper") && (status === "succeeded" || (status === "expired" && isOverdue));
}
