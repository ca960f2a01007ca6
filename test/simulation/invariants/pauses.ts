/**
 * P1: a receiver in trouble is left alone. While it is paused nothing is sent to it but what a probe lets through: one
 * delivery, when the pause is over, and the next no sooner than that one's attempt can be over. P2: each failure is
 * counted and each success forgotten, with the attempt's own record. P3: what waits goes one by one while the receiver is
 * tried, and not at all before. P4: a delivery over the limit of its host gets a turn of its own, after all that were given before.
 */
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Invocation } from "../world/invocation.ts";
import type { Row } from "../world/sql-engine.ts";
import { lastAttemptOf, numberOf, receiverOf, textOf, wasAsked } from "./rows.ts";

/** As long as an attempt waits for its answer. */
const ATTEMPT_MS = 20_000;
const FAILURES_TO_OPEN = 3;

type Changes = (Changed & { table: string })[];

export function watchPauses(simulation: Simulation): undefined {
	const { ledger } = simulation;
	watchProbes(simulation);
	watchTurns(simulation);
	ledger.onTransaction((changes) => {
		const attempts = changes.filter(isAttempt);
		for (const [key, made] of Map.groupBy(attempts, ({ before }) => receiverOf(before)))
			checkCount(simulation, key, made, changes);
		checkReleases(simulation, changes);
	});
}

/** By host, the turns that one transaction gives lie apart, after its last one and by its new one. */
function watchTurns({ ledger, world, service }: Simulation): void {
	const turnMs = 1_000 / service.config.webhookLimit.aSecond;
	ledger.onTransaction((changes) => {
		for (const { id, before, after, by } of changes.filter(({ id }) => isHost(id))) {
			if (after === null) continue;
			const from = Math.max(numberOf(before, "open_until"), world.databaseNow);
			const turns = changes
				.filter(({ table, before, after }) => {
					const isMoved =
						table === "deliveries" && before !== null && before.next_attempt_at !== after?.next_attempt_at;
					return isMoved && id === `receiver:${after?.tenant_id} host:${new URL(textOf(after, "url")).hostname}`;
				})
				.map(({ after }) => numberOf(after, "next_attempt_at"))
				.sort((a, b) => a - b);
			const isInLine = turns.every((at, index) => at - (turns[index - 1] ?? from) >= turnMs);
			if (!isInLine || turns.some((at) => at > numberOf(after, "open_until")))
				world.violate("P4", `${by?.name} gives ${turns.length} turns at ${id} that are not in line`);
		}
	});
}

/** Who read before the pause began may send; who read since needs a probe. */
function watchProbes({ ledger, world, service, endpoints }: Simulation): void {
	const pausedSince = new Map<string, number>();
	const probes = new Map<Invocation, string[]>();
	const sentBy = new Map<Invocation, Set<string>>();
	ledger.on("receiver_breakers", ({ id, before, after, by }) => {
		if (isHost(id)) return;
		const until = after?.open_until ?? null;
		if (until === null) pausedSince.delete(id);
		else if (!pausedSince.has(id)) pausedSince.set(id, world.now);
		// Two failures that are recorded in one transaction have the same time, but count twice.
		const isMoved = before !== null && before.failures === after?.failures && before.open_until !== until;
		if (!isMoved || by === null) return;
		if (Number(until) < world.databaseNow + ATTEMPT_MS)
			world.violate("P1", `${by.name} asks ${id} and does not keep others away`);
		// It has asked already, and waits for the answer.
		if (sentBy.get(by)?.has(id)) return;
		probes.set(by, [...(probes.get(by) ?? []), id]);
		if (before.open_until === null || numberOf(before, "open_until") > world.databaseNow)
			world.violate("P1", `${by.name} tries ${id}, which is to be left alone`);
	});
	service.receivers.onSent(({ by, url, webhookId }) => {
		const endpoint = endpoints.at(url);
		const oneOff = ledger.rows("deliveries").get(`${url.split("/").at(-1)}/dlv_${webhookId.slice(4)}_webhook`);
		if (endpoint === null && oneOff === undefined) return;
		const key =
			oneOff === undefined || endpoint !== null ? `receiver:${endpoint?.tenantId} ${endpoint?.id}` : receiverOf(oneOff);
		sentBy.set(by, (sentBy.get(by) ?? new Set()).add(key));
		if ((pausedSince.get(key) ?? Number.POSITIVE_INFINITY) >= by.startedAt) return;
		const own = probes.get(by) ?? [];
		if (own.includes(key)) own.splice(own.indexOf(key), 1);
		else world.violate("P1", `${by.name} posts ${webhookId} to ${key}, which is paused`);
	});
}

/** The row of a host has the last turn given at it, and pauses nothing. */
function isHost(key: string): boolean {
	return key.includes(" host:");
}

type Attempted = Changes[number] & { before: Row; after: Row };

function isAttempt(change: Changes[number]): change is Attempted {
	const { table, before, after } = change;
	if (table !== "deliveries" || before === null || after === null) return false;
	return numberOf(after, "attempts_made") > numberOf(before, "attempts_made");
}

/** `made`: all attempts at one receiver that are recorded together. Among them a failure outweighs a success. */
function checkCount({ ledger, world }: Simulation, key: string, made: Attempted[], changes: Changes): void {
	const pause = ledger.rows("receiver_breakers").get(`/${key}`) ?? null;
	const wrong = (why: string) =>
		world.violate("P2", `${made[0]?.by?.name} recorded an attempt at ${made[0]?.after.id}, and ${key} ${why}`);
	const wasReceived = made.some(({ after }) => after.status === "delivered");
	const failed = made.filter(({ after }) => {
		const attempt = lastAttemptOf(after);
		return after.status !== "delivered" && attempt !== null && wasAsked(attempt);
	});
	if (failed.length === 0) {
		if (wasReceived && pause !== null) wrong("is still kept back");
		return;
	}
	const counted = changes.find(({ table, id }) => table === "receiver_breakers" && id === key);
	const before = wasReceived ? 0 : numberOf(counted?.before ?? null, "failures");
	const failures = numberOf(pause, "failures");
	if (failures !== before + failed.length) wrong("has not failed");
	else if (failures >= FAILURES_TO_OPEN && pause?.open_until === null) wrong("is not paused");
}

function checkReleases({ ledger, world }: Simulation, changes: Changes): void {
	const released = changes.filter(({ table, before, after }) => {
		const wasParked = table === "deliveries" && (before?.parked_on ?? null) !== null;
		return wasParked && after?.parked_on === null && isJustReleased(before, after);
	});
	for (const [key, all] of Map.groupBy(released, ({ before }) => String(before?.parked_on))) {
		const until = ledger.rows("receiver_breakers").get(`/${key}`)?.open_until ?? null;
		if (until === null) continue;
		const who = released[0]?.by?.name;
		if (Number(until) > world.databaseNow) world.violate("P3", `${who} releases what waits for ${key}, too soon`);
		if (all.length > 1) world.violate("P3", `${who} lets ${all.length} at a time try ${key}`);
	}
}

/** Neither attempted, nor asked for again, nor settled. */
function isJustReleased(before: Row | null, after: Row | null): boolean {
	return (["status", "attempts_made", "restarted_at"] as const).every((column) => before?.[column] === after?.[column]);
}
