/**
 * S9: counted attempts on a model are no more than allowed, and of calls whose holder died one at most is not counted. H1: every call is in its job's history. O1: a job fails for
 * what happened to it, and for nothing else. W1: a stored answer wins over failure and expiry.
 */
import type { Simulation } from "../simulate.ts";
import type { Invocation } from "../world/invocation.ts";
import type { Row } from "../world/sql-engine.ts";
import { attemptsOf, isFinalRow, numberOf, textOf } from "./rows.ts";

export function watchAttempts(simulation: Simulation): undefined {
	const { ledger, world, service } = simulation;
	const storedAt = new Map<string, number>();
	service.bucket.onChange(({ kind, key }) => {
		if (kind === "put") storedAt.set(key, world.now);
	});
	ledger.on("jobs", ({ tenantId, id, before, after, by }) => {
		if (after === null || isFinalRow(before) || !isFinalRow(after)) return;
		checkCounts(simulation, id, after);
		checkReason(simulation, id, after);
		const stored = storedAt.get(`results/${tenantId}/${id}`) ?? Number.POSITIVE_INFINITY;
		const isOurEnd = after.status === "failed" || after.status === "expired";
		if (isOurEnd && stored < beginOf(simulation, id, by))
			world.violate("W1", `${id} ended ${after.status} though its answer was stored`);
	});
}

/** When the invocation that ended the job began: it could have found what was stored before. */
function beginOf({ claims }: Simulation, jobId: string, by: Invocation | null): number {
	if (by === null) return 0;
	return claims.of(jobId, by)?.at ?? by.startedAt;
}

function checkCounts({ world, claims }: Simulation, id: string, row: Row): void {
	const recorded = attemptsOf(row);
	const max = numberOf(row, "max_attempts");
	for (const model of new Set(recorded.map((entry) => entry.model))) {
		const counted = recorded.filter((entry) => entry.model === model && entry.counted).length;
		if (counted > max) world.violate("S9", `${id} counts ${counted} attempts on ${model} of ${max}`);
	}
	if (numberOf(row, "attempt") > max) world.violate("S9", `${id} ended with attempt ${row.attempt} of ${max}`);
	for (const claim of claims.all(id)) {
		const isRecorded = recorded.some(({ fence }) => fence === claim.fence);
		if (claim.calls > 0 && !isRecorded)
			world.violate("H1", `the call under lease ${claim.fence} of ${id} is not in its history`);
	}
	const isUncounted = (fence: number) =>
		recorded.some((entry) => entry.fence === fence && entry.outcome === "abandoned" && !entry.counted);
	const uncounted = claims.all(id).filter((claim) => claim.calls > 0 && isUncounted(claim.fence));
	if (uncounted.length > 1) world.violate("S9", `${uncounted.length} calls of ${id} that were begun do not count`);
	const numbers = recorded.map(({ number }) => number);
	if (numbers.some((number, at) => at > 0 && number <= (numbers[at - 1] ?? 0)))
		world.violate("H1", `the history of ${id} is out of order`);
}

function checkReason({ world, claims, service }: Simulation, id: string, row: Row): void {
	const wrong = (why: string) => world.violate("O1", `${id} is ${row.status} (${row.status_reason}), but ${why}`);
	const recorded = attemptsOf(row).filter(({ model }) => model === row.model);
	const max = numberOf(row, "max_attempts");
	const kinds = new Set(service.model.callsOf(id).map(({ kind }) => kind));
	switch (row.status_reason) {
		case "permanent":
			if (!kinds.has("rejected") && !kinds.has("unknown_model")) wrong("no call was refused for good");
			return;
		case "answer_unreadable":
			if (!kinds.has("unreadable")) wrong("every answer was readable");
			return;
		case "attempts_exhausted":
			if (recorded.filter(({ counted }) => counted).length < max)
				wrong(`of ${max} attempts are recorded ${JSON.stringify(recorded)}`);
			return;
		case "poisoned":
			if (claims.all(id).filter((claim) => claim.row.model === row.model).length <= max)
				wrong("it was not leased often enough");
			if (recorded.findLast(({ counted }) => counted)?.outcome !== "abandoned")
				wrong("its last holder recorded an outcome");
			return;
		case "deadline_passed":
			if (world.options.jumps === 0 && world.databaseNow < numberOf(row, "deadline_at")) wrong("there was time left");
			return;
		default:
			if (row.status === "failed" || row.status === "expired") wrong(`${textOf(row, "status_reason")} is unknown`);
	}
}
