/**
 * Checks a history, whatever made it, in the manner of Jepsen's total-queue: what was acknowledged and is not there
 * is lost, what is there and was never asked for is unexpected, and what was never answered may be either way. Beyond
 * that, all observations must agree: ends do not change, versions do not go back, no webhook comes too soon.
 */
import { checkCalls } from "./check-calls.ts";
import { checkResults } from "./check-results.ts";
import { checkSightings } from "./check-sightings.ts";
import { checkWebhooks } from "./check-webhooks.ts";
import { FINAL_STATUSES, type HistoryEvent } from "./history.ts";

export interface Problem {
	/** The invariant's name, such as `S1`. */
	invariant: string;
	message: string;
}

/** Empty: nothing in the history contradicts what the service promises. O(n log n). */
export function checkHistory(events: readonly HistoryEvent[]): Problem[] {
	const history = events.toSorted((a, b) => a.at - b.at);
	return [
		...checkLost(history),
		...checkUnexpected(history),
		...checkKeys(history),
		...checkTenants(history),
		...checkSightings(history),
		...checkResults(history),
		...checkWebhooks(history),
		...checkCalls(history),
	];
}

/** S1: an acknowledged job is there at the end, unless it was erased or its retention ended. L1: and it has ended. */
function checkLost(history: readonly HistoryEvent[]): Problem[] {
	const acked = new Map<string, HistoryEvent>();
	const erasable = new Set<string>();
	const askedAt = new Map<string, number>();
	for (const event of history) {
		const name = `${event.tenant} ${event.tag}`;
		if (event.op === "submit" && !askedAt.has(name)) askedAt.set(name, event.at);
		if (event.job === undefined) continue;
		if (event.op === "submit" && event.type === "ok" && !acked.has(event.job)) acked.set(event.job, event);
		if (event.op === "delete") erasable.add(event.job);
	}
	return history.flatMap((event) => {
		const { job, op, isDrain, type, status = "" } = event;
		const ack = job === undefined ? undefined : acked.get(job);
		if (op !== "get" || isDrain !== true || job === undefined || ack === undefined) return [];
		if (type === "ok") {
			return FINAL_STATUSES.includes(status) ? [] : [{ invariant: "L1", message: `${job} is ${status} for ever` }];
		}
		// The first try may have been the one that made it.
		const madeAt = askedAt.get(`${ack.tenant} ${ack.tag}`) ?? ack.at;
		const isOver = erasable.has(job) || event.at - madeAt >= (ack.retainMs ?? Number.POSITIVE_INFINITY);
		return type === "fail" && !isOver ? [{ invariant: "S1", message: `${job} was acknowledged and is lost` }] : [];
	});
}

/** S4: what a listing finds was submitted, once. L1: and in the end it is over, whether or not a webhook said so. */
function checkUnexpected(history: readonly HistoryEvent[]): Problem[] {
	const submitted = new Set<string>();
	const jobOfTag = new Map<string, string>();
	const problems: Problem[] = [];
	for (const { op, type, tenant, tag, isDrain, jobs = [] } of history) {
		if (op === "submit" && type === "invoke") submitted.add(`${tenant} ${tag}`);
		for (const found of jobs) {
			const name = `${tenant} ${found.tag}`;
			if (isDrain === true && !FINAL_STATUSES.includes(found.status))
				problems.push({ invariant: "L1", message: `${found.job} is ${found.status} for ever` });
			if (!submitted.has(name))
				problems.push({ invariant: "S4", message: `no caller submitted ${found.job} (${found.tag})` });
			const twin = jobOfTag.get(name) ?? found.job;
			if (twin !== found.job)
				problems.push({ invariant: "S5", message: `${found.tag} became ${twin} and ${found.job}` });
			jobOfTag.set(name, twin);
		}
	}
	return problems;
}

const DAY_MS = 86_400_000;

/** S5: within a day a key and the same bytes are one job, and the same key with other bytes is refused. */
function checkKeys(history: readonly HistoryEvent[]): Problem[] {
	const first = new Map<string, HistoryEvent>();
	return history.flatMap((event) => {
		const { op, type, tenant, key, job, fingerprint, at } = event;
		if (op !== "submit" || type !== "ok" || key === undefined || job === undefined) return [];
		const known = first.get(`${tenant} ${key}`);
		if (known === undefined || at - known.at >= DAY_MS) {
			first.set(`${tenant} ${key}`, event);
			return [];
		}
		if (known.fingerprint !== fingerprint)
			return [{ invariant: "S5", message: `${key} was taken twice, with other bytes` }];
		return known.job === job ? [] : [{ invariant: "S5", message: `${key} became ${known.job} and ${job}` }];
	});
}

/** S10: a job is seen by the tenant that submitted it, and by no other. */
function checkTenants(history: readonly HistoryEvent[]): Problem[] {
	const owners = new Map<string, string>();
	for (const { op, type, job, tenant } of history) {
		if (op === "submit" && type === "ok" && job !== undefined) owners.set(job, tenant);
	}
	return history.flatMap(({ type, op, tenant, job, jobs = [] }) => {
		if (type !== "ok" || op === "webhook") return [];
		const seen = [...(job === undefined ? [] : [job]), ...jobs.map((found) => found.job)];
		return seen
			.filter((id) => (owners.get(id) ?? tenant) !== tenant)
			.map((id) => ({ invariant: "S10", message: `${tenant} sees ${id}, which belongs to ${owners.get(id)}` }));
	});
}
