/**
 * S6: every final state that a receiver subscribed to was delivered, or given up as the service itself says. S7: no webhook
 * comes before a poll could show its event, and a webhook-id is one event of one job.
 */
import type { Problem } from "./check-history.ts";
import { FINAL_STATUSES, type HistoryEvent } from "./history.ts";

/** @param history in the order of time */
export function checkWebhooks(history: readonly HistoryEvent[]): Problem[] {
	return [...checkIds(history), ...checkTooSoon(history), ...checkUndelivered(history), ...checkRegistered(history)];
}

function checkIds(history: readonly HistoryEvent[]): Problem[] {
	const meanings = new Map<string, string>();
	const ids = new Map<string, string>();
	return history.flatMap(({ op, type, webhookId, job, eventType }) => {
		if (op !== "webhook" || type === "fail" || webhookId === undefined) return [];
		const meaning = `${eventType} of ${job}`;
		const [other, otherId] = [meanings.get(webhookId) ?? meaning, ids.get(meaning) ?? webhookId];
		meanings.set(webhookId, other);
		ids.set(meaning, otherId);
		if (other !== meaning) return [{ invariant: "S7", message: `${webhookId} means ${other} and ${meaning}` }];
		return otherId === webhookId
			? []
			: [{ invariant: "S7", message: `${meaning} came as ${otherId} and ${webhookId}` }];
	});
}

/** A poll that set out after a webhook arrived shows the state of that webhook. */
function checkTooSoon(history: readonly HistoryEvent[]): Problem[] {
	const arrived = new Map<string, string>();
	const arrivedAtInvoke = new Map<number, string>();
	const problems: Problem[] = [];
	for (const { op, type, job, eventType, request, status } of history) {
		if (job === undefined) continue;
		const ends = arrived.get(job);
		if (op === "webhook" && type !== "fail" && eventType !== undefined && eventType !== "job.started") {
			if (ends !== undefined && ends !== eventType)
				problems.push({ invariant: "S7", message: `${job} has webhooks of ${ends} and ${eventType}` });
			arrived.set(job, eventType);
		}
		if (op !== "get") continue;
		if (type === "invoke" && ends !== undefined) arrivedAtInvoke.set(request, ends);
		const expected = arrivedAtInvoke.get(request);
		if (type === "ok" && expected !== undefined && expected !== `job.${status}`) {
			problems.push({ invariant: "S7", message: `${job} is ${status} after a webhook said ${expected}` });
		}
	}
	return problems;
}

function checkUndelivered(history: readonly HistoryEvent[]): Problem[] {
	const wants = new Map<string, readonly string[]>();
	const arrived = new Set<string>();
	const erasable = new Set<string>();
	for (const { op, type, job, eventType, receiver, wants: wanted } of history) {
		if (job === undefined) continue;
		if (op === "submit" && type === "ok" && wanted) wants.set(job, wanted);
		// What arrived and was refused has to come again.
		if (op === "webhook" && type !== "info" && receiver === undefined) arrived.add(`${job} ${eventType}`);
		if (op === "delete") erasable.add(job);
	}
	return history.flatMap(({ op, type, isDrain, job, status = "" }) => {
		if (op !== "get" || type !== "ok" || isDrain !== true || job === undefined) return [];
		const eventType = `job.${status}`;
		const isDue = FINAL_STATUSES.includes(status) && (wants.get(job)?.includes(eventType) ?? false);
		if (!isDue || erasable.has(job) || arrived.has(`${job} ${eventType}`)) return [];
		return [{ invariant: "S6", message: `no webhook said that ${job} is ${status}` }];
	});
}

/** The same of registered receivers: each, once it is registered, gets the events of every job submitted since. */
function checkRegistered(history: readonly HistoryEvent[]): Problem[] {
	const wants = new Map<string, readonly string[]>();
	const askedFor = new Map<string, string[]>();
	const arrived = new Set<string>();
	const erasable = new Set<string>();
	for (const { op, type, job, eventType, receiver, wants: wanted } of history) {
		if (op === "endpoint" && type === "ok" && receiver !== undefined && wanted) wants.set(receiver, wanted);
		if (job === undefined) continue;
		if (op === "submit" && type === "ok" && !askedFor.has(job)) askedFor.set(job, [...wants.keys()]);
		if (op === "webhook" && type !== "info") arrived.add(`${job} ${eventType} ${receiver}`);
		if (op === "delete") erasable.add(job);
	}
	return history.flatMap(({ op, type, isDrain, job = "", status }) => {
		if (op !== "get" || type !== "ok" || isDrain !== true || erasable.has(job)) return [];
		const missed = (askedFor.get(job) ?? []).filter(
			(receiver) => wants.get(receiver)?.includes(`job.${status}`) && !arrived.has(`${job} job.${status} ${receiver}`),
		);
		return missed.map((receiver) => ({
			invariant: "S6",
			message: `${receiver} got no webhook that ${job} is ${status}`,
		}));
	});
}
