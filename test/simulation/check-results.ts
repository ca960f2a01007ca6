/** What a result is: there, where its job succeeded (S1), and an answer to its own job's prompt (S10). */
import type { Problem } from "./check-history.ts";
import type { HistoryEvent } from "./history.ts";

/** @param history in the order of time */
export function checkResults(history: readonly HistoryEvent[]): Problem[] {
	const tags = new Map<string, string>();
	const succeeded = new Set<string>();
	const keptUntil = new Map<string, number>();
	const askedAt = new Map<string, number>();
	for (const { at, op, type, job, tag = "", status, retainMs = Number.POSITIVE_INFINITY } of history) {
		if (op === "submit" && !askedAt.has(tag)) askedAt.set(tag, at);
		if (job === undefined) continue;
		if (op === "submit" && type === "ok") {
			tags.set(job, tag);
			// Not again: a submission may be acknowledged late, after the job was deleted.
			if (!keptUntil.has(job)) keptUntil.set(job, (askedAt.get(tag) ?? at) + retainMs);
		}
		if (op === "delete") keptUntil.set(job, 0);
		if (type === "ok" && status === "succeeded") succeeded.add(job);
	}
	return history.flatMap(({ at, op, type, job, tag, code, isDrain }) => {
		if (op !== "result" || job === undefined) return [];
		const asked = tags.get(job);
		if (type === "ok" && tag !== undefined && asked !== undefined && tag !== asked)
			return [{ invariant: "S10", message: `${job} asked as ${asked} and has the answer to ${tag}` }];
		const isKept = at < (keptUntil.get(job) ?? Number.POSITIVE_INFINITY);
		const isLost = type === "fail" && isDrain === true && succeeded.has(job) && isKept;
		return isLost ? [{ invariant: "S1", message: `${job} succeeded and its result is lost (${code})` }] : [];
	});
}
