/**
 * C5: who asks to be left alone is. A call begins only where no cool-down of its credential or of its model was in force when
 * its job was leased, or where a cool-down that was over let it in. C6: a cool-down counts whom it lets in, and gives way
 * early only to the word of a call that began after it.
 */
import { PROBE_MS } from "../../../shared/core/upstreams/breaker.ts";
import { keysOf } from "../../../shared/core/upstreams/credentials.ts";
import type { Changed, Ledger } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import type { Claim } from "./claims.ts";
import { numberOf, textOf } from "./rows.ts";

/** What a cool-down left to all that one statement leased. */
interface Grant {
	key: string;
	calls: number;
}

export function watchCoolDowns(simulation: Simulation): undefined {
	const { ledger, service, claims, world } = simulation;
	const grants = new Map<Claim, Grant[]>();
	ledger.onTransaction((changes) => {
		const claimed = changes.flatMap((changed) => claimMade(simulation, changed) ?? []);
		for (const key of new Set(claimed.flatMap(keysOfClaim))) {
			const before = coolDownBefore(ledger, key, changes);
			if (before === null) continue;
			const held = claimed.filter((claim) => keysOfClaim(claim).includes(key));
			const grant = { key, calls: callsGranted(before, world.databaseNow) };
			for (const claim of held) grants.set(claim, [...(grants.get(claim) ?? []), grant]);
			if (!isCounted(before, coolDownOf(ledger, key), held, world.databaseNow))
				world.violate("C6", `${held[0]?.by?.name} goes through ${key}, which does not count it`);
		}
	});
	service.model.onCall(({ jobId, by, number }) => {
		const claim = claims.of(jobId, by);
		for (const grant of claim === null ? [] : (grants.get(claim) ?? [])) {
			grant.calls -= 1;
			if (grant.calls < 0) world.violate("C5", `call ${number}, for ${jobId}, was kept away by ${grant.key}`);
		}
	});
	ledger.on("breakers", (changed) => {
		if (isEased(changed, world.databaseNow) && !isToldByProbe(simulation, changed))
			world.violate("C6", `${changed.by?.name} eases ${changed.id} and knows nothing of it`);
	});
}

function claimMade({ claims }: Simulation, { table, id, before, after }: Changed & { table: string }): Claim | null {
	const isClaim = table === "jobs" && after !== null && numberOf(after, "fence") > numberOf(before, "fence");
	return isClaim ? claims.last(id) : null;
}

function keysOfClaim({ row }: Claim): string[] {
	return keysOf({ credential: textOf(row, "credential"), model: textOf(row, "model") });
}

function coolDownOf(ledger: Ledger, key: string): Row | null {
	return ledger.rows("breakers").get(`/${key}`) ?? null;
}

/** As the transaction found it. */
function coolDownBefore(ledger: Ledger, key: string, changes: (Changed & { table: string })[]): Row | null {
	const first = changes.find(({ table, id }) => table === "breakers" && id === key);
	return first === undefined ? coolDownOf(ledger, key) : first.before;
}

function callsGranted(breakerEvent: Row, now: number): number {
	return numberOf(breakerEvent, "open_until") > now ? 0 : slotsOf(breakerEvent);
}

/** Where it is not known to be in trouble, any number of calls. */
function slotsOf(breakerEvent: Row): number {
	return breakerEvent.permits === null ? Number.POSITIVE_INFINITY : numberOf(breakerEvent, "permits");
}

/** What is leased past its deadline makes no call. Whom a cool-down keeps away, and who takes over, uses up nothing. */
function isCounted(before: Row, after: Row | null, held: Claim[], now: number): boolean {
	const calls = held.filter(({ row }) => numberOf(row, "deadline_at") > now).length;
	if (before.permits === null || numberOf(before, "open_until") > now || calls === 0) return true;
	return after !== null && (numberOf(after, "open_until") > now || slotsOf(after) <= slotsOf(before) - calls);
}

/** It ends sooner, or lets more in. One that is forgotten has been over for as long as a probe may take. */
function isEased({ before, after }: Changed, now: number): boolean {
	if (before === null || before.permits === null) return false;
	if (after === null) return numberOf(before, "open_until") > now - PROBE_MS;
	return numberOf(after, "open_until") < numberOf(before, "open_until") || slotsOf(after) > slotsOf(before);
}

/** Whoever eased it had leased, after it began, a job that it concerns, and had called. */
function isToldByProbe({ ledger, claims }: Simulation, { id: key, before, by }: Changed): boolean {
	return [...ledger.rows("jobs").values()].some((job) =>
		claims
			.all(textOf(job, "id"))
			.some(
				(claim) =>
					claim.by === by &&
					claim.calls > 0 &&
					keysOfClaim(claim).includes(key) &&
					numberOf(claim.row, "leased_at") > numberOf(before, "tripped_at"),
			),
	);
}
