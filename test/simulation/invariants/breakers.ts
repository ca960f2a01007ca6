/**
 * C5: an open breaker stops calls. A call begins only if no breaker of its credential or model key was open when its job was
 * leased, or if a half-open one permitted it. C6: a breaker counts its permits, and is eased early only by a call that began
 * after it tripped. C9: the breaker that tenants share trips if, and only if, one of a tenant does while another tenant heard the
 * same, or by ten failures of two tenants or more, of which it counts five of each, or by a probe while no call has succeeded.
 */
import { FAILURES_SHARED, FAILURES_TO_TRIP, PROBE_MS, WITNESS_MS } from "../../../shared/core/upstreams/breaker.ts";
import { breakerKeysOf } from "../../../shared/core/upstreams/credentials.ts";
import type { Changed, Ledger } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import type { Claim } from "./claims.ts";
import { numberOf, textOf } from "./rows.ts";

/** The calls that a breaker permits to all jobs of one lease statement. */
interface Grant {
	key: string;
	calls: number;
}

export function watchBreakers(simulation: Simulation): undefined {
	const { ledger, service, claims, world } = simulation;
	const grants = new Map<Claim, Grant[]>();
	const evidence = new SharedEvidence(simulation);
	ledger.onTransaction((changes) => {
		evidence.check(changes);
		const claimed = changes.flatMap((changed) => claimMade(simulation, changed) ?? []);
		for (const key of new Set(claimed.flatMap(keysOfClaim))) {
			const before = breakerBefore(ledger, key, changes);
			if (before === null) continue;
			const held = claimed.filter((claim) => keysOfClaim(claim).includes(key));
			const grant = { key, calls: callsGranted(before, world.databaseNow) };
			for (const claim of held) grants.set(claim, [...(grants.get(claim) ?? []), grant]);
			if (!isCounted(before, breakerOf(ledger, key), held, world.databaseNow))
				world.violate("C6", `${held[0]?.by?.name} calls past ${key}, which does not count it`);
		}
		if (claimed.length > 0) return;
		// A repeated request, whose first response was lost, takes permits for the jobs that it finds leased.
		for (const { id: key, before, by } of changes.filter((changed) => isTaken(changed, world.databaseNow))) {
			const grant = { key, calls: callsGranted(before ?? {}, world.databaseNow) };
			const held = claims.madeBy(by).filter((claim) => claim.calls === 0 && keysOfClaim(claim).includes(key));
			for (const claim of held) {
				const others = grants.get(claim)?.filter((other) => other.key !== key) ?? [];
				grants.set(claim, [...others, grant]);
			}
		}
	});
	service.model.onCall(({ jobId, by, number }) => {
		const claim = claims.of(jobId, by);
		for (const grant of claim === null ? [] : (grants.get(claim) ?? [])) {
			grant.calls -= 1;
			if (grant.calls < 0) world.violate("C5", `call ${number}, for ${jobId}, was not permitted by ${grant.key}`);
		}
	});
	ledger.on("breakers", (changed) => {
		if (isEased(changed, world.databaseNow) && !isEasedByProbe(simulation, changed))
			world.violate("C6", `${changed.by?.name} eases ${changed.id} without having called it`);
	});
}

/** What a shared breaker must make of the failures of its tenants, statement by statement. */
class SharedEvidence {
	readonly #world: Simulation["world"];
	readonly #rows = new Map<string, Row>();
	/** How many failures each own breaker added to a shared one in its current observation. */
	readonly #added = new Map<string, { until: number; byOwn: Map<string, number> }>();

	constructor({ world }: Simulation) {
		this.#world = world;
	}

	/** A statement that records a failure writes the own breaker of a tenant, and then the shared one if it must. */
	check(changes: readonly (Changed & { table: string })[]): void {
		const written = changes.filter(({ table }) => table === "breakers");
		for (const [place, own] of written.entries()) {
			const next = written[place + 1];
			const sharedKey = textOf(own.after, "shared_key");
			if (sharedKey !== "" && isEvidence(own, this.#world.databaseNow)) {
				const isShared = next?.id === sharedKey && isEvidence(next, this.#world.databaseNow);
				this.#check(own, isShared ? next : { ...own, id: sharedKey, ...this.#unchanged(sharedKey) });
			}
			if (own.after === null) this.#forget(own.id);
			else this.#rows.set(own.id, own.after);
		}
	}

	/** The next breaker of this key begins to count. What this one added stays. */
	#forget(key: string): void {
		this.#rows.delete(key);
		this.#added.delete(key);
		for (const { byOwn } of this.#added.values()) {
			if (byOwn.delete(key)) byOwn.set(`${key} before`, 1);
		}
	}

	#unchanged(key: string) {
		const row = this.#rows.get(key) ?? null;
		return { before: row, after: row };
	}

	#check(own: Changed, shared: Changed): void {
		const { databaseNow: now } = this.#world;
		const { id: key, before } = shared;
		const failures = failuresOf(before, now);
		const isTrip = isTripped(shared, now);
		const others = [...this.#rows.values()].filter((row) => row.shared_key === key && row.key !== own.id);
		const isWitnessed = others.some((row) => isRefused(row, now));
		const isAdded = failuresOf(shared.after, now) > failures || (isTrip && !(isTripped(own, now) && isWitnessed));
		const byOwn = this.#addedTo(key, numberOf(shared.after, "observed_until"));
		if (isAdded) byOwn.set(own.id, (byOwn.get(own.id) ?? 0) + 1);

		const isMost = failures + 1 >= Math.max(FAILURES_TO_TRIP, numberOf(before, "successes")) && byOwn.size > 1;
		const isProbe = numberOf(before, "trips") > 0 && before?.successes === 0;
		if ((byOwn.get(own.id) ?? 0) > FAILURES_SHARED)
			this.#world.violate("C9", `${own.id} adds ${byOwn.get(own.id)} failures to ${key}`);
		const isFirst =
			failuresOf(own.after, now) > failuresOf(own.before, now) && failuresOf(own.after, now) <= FAILURES_SHARED;
		if (!isAdded && isFirst && numberOf(before, "tripped_at") === 0 && !isTrip)
			this.#world.violate("C9", `${key} does not count a failure of ${own.id}`);
		const isByAll = isAdded && (isMost || isProbe);
		// A second trip at the same time shows in no column.
		const [mayTrip, isOpened] = [own, shared].map(({ after }) => numberOf(after, "tripped_at") === now);
		if (!isOpened && (isByAll || (isTripped(own, now) && isWitnessed)))
			this.#world.violate("C9", `${key} does not trip by a failure of ${own.id}`);
		if (isTrip && !(isByAll || (mayTrip && isWitnessed)))
			this.#world.violate("C9", `${key} trips by a failure of ${own.id}`);
	}

	#addedTo(key: string, until: number): Map<string, number> {
		let added = this.#added.get(key);
		if (added?.until !== until) added = { until, byOwn: new Map() };
		this.#added.set(key, added);
		return added.byOwn;
	}
}

function isTripped({ before, after }: Pick<Changed, "before" | "after">, now: number): boolean {
	return numberOf(after, "tripped_at") === now && numberOf(before, "tripped_at") !== now;
}

/** A recovery, a lease and a release leave these as they are. */
function isEvidence({ before, after }: Changed, now: number): boolean {
	const isCounted = ["failures", "observed_until"].some((fact) => numberOf(before, fact) !== numberOf(after, fact));
	return after !== null && (isCounted || isTripped({ before, after }, now));
}

function failuresOf(row: Row | null, now: number): number {
	return numberOf(row, "observed_until") > now ? numberOf(row, "failures") : 0;
}

/** Its tenant's calls were refused, and none was taken since. */
function isRefused(row: Row, now: number): boolean {
	return numberOf(row, "open_until") > now - WITNESS_MS && numberOf(row, "trips") > 0 && row.successes === 0;
}

function claimMade({ claims }: Simulation, { table, id, before, after }: Changed & { table: string }): Claim | null {
	const isClaim = table === "jobs" && after !== null && numberOf(after, "fence") > numberOf(before, "fence");
	return isClaim ? claims.last(id) : null;
}

function keysOfClaim({ row }: Claim): string[] {
	const tenantId = textOf(row, "tenant_id");
	return breakerKeysOf({ tenantId, credential: textOf(row, "credential"), model: textOf(row, "model") });
}

function breakerOf(ledger: Ledger, key: string): Row | null {
	return ledger.rows("breakers").get(`/${key}`) ?? null;
}

/** The row before the transaction. */
function breakerBefore(ledger: Ledger, key: string, changes: (Changed & { table: string })[]): Row | null {
	const first = changes.find(({ table, id }) => table === "breakers" && id === key);
	return first === undefined ? breakerOf(ledger, key) : first.before;
}

export function callsGranted(breaker: Row, now: number): number {
	return numberOf(breaker, "open_until") > now ? 0 : permitsOf(breaker);
}

/** A closed breaker permits any number of calls. */
function permitsOf(breaker: Row): number {
	return breaker.permits === null ? Number.POSITIVE_INFINITY : numberOf(breaker, "permits");
}

/** A job leased past its deadline makes no call. Gated jobs and take-overs use no permit. */
function isCounted(before: Row, after: Row | null, held: Claim[], now: number): boolean {
	const calls = held.filter(({ row }) => numberOf(row, "deadline_at") > now).length;
	if (before.permits === null || numberOf(before, "open_until") > now || calls === 0) return true;
	return after !== null && (numberOf(after, "open_until") > now || permitsOf(after) <= permitsOf(before) - calls);
}

/** A lease used up permits of a half-open one. */
function isTaken({ table, before, after }: Changed & { table: string }, now: number): boolean {
	if (table !== "breakers" || before === null || after === null || callsGranted(before, now) === 0) return false;
	const isTripped = before.tripped_at !== after.tripped_at;
	return !isTripped && (permitsOf(after) < permitsOf(before) || numberOf(after, "open_until") === now + PROBE_MS);
}

/** It closes sooner, or permits more. A pruned one has been half-open for as long as a probe may take. */
function isEased({ before, after }: Changed, now: number): boolean {
	if (before === null || before.permits === null) return false;
	if (after === null) return numberOf(before, "open_until") > now - PROBE_MS;
	return numberOf(after, "open_until") < numberOf(before, "open_until") || permitsOf(after) > permitsOf(before);
}

/** Whether the invocation that eased it had leased a job of its key after it tripped, and had called. */
function isEasedByProbe({ claims }: Simulation, { id: key, before, by }: Changed): boolean {
	return claims
		.madeBy(by)
		.some(
			(claim) =>
				claim.calls > 0 &&
				keysOfClaim(claim).includes(key) &&
				numberOf(claim.row, "leased_at") > numberOf(before, "tripped_at"),
		);
}
