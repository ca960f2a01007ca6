/**
 * C5: an open breaker stops calls. A call begins only if no breaker of its credential or model key was open when its job was
 * leased, or if a half-open one permitted it. C6: a breaker counts its permits, and is eased early only by a call that began
 * after it tripped. C9: the breaker that tenants share trips if, and only if, one of a tenant does while another tenant heard the
 * same.
 */
import { PROBE_MS, WITNESS_MS } from "../../../shared/core/upstreams/breaker.ts";
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
	ledger.onTransaction((changes) => {
		checkWitness(simulation, changes);
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

function checkWitness({ ledger, world }: Simulation, changes: (Changed & { table: string })[]): void {
	const now = world.databaseNow;
	const tripped = changes.flatMap(({ table, after }) =>
		table === "breakers" && after !== null && numberOf(after, "tripped_at") === now ? [after] : [],
	);
	const keyOf = (row: Row) => textOf(row, "shared_key") || textOf(row, "key");
	const refused = (row: Row) =>
		numberOf(row, "open_until") > now - WITNESS_MS && numberOf(row, "trips") > 0 && row.successes === 0;
	for (const [key, rows] of Map.groupBy(tripped, keyOf)) {
		const own = new Set(rows.filter((row) => row.shared_key !== null).map((row) => row.key));
		const isShared = rows.some((row) => row.shared_key === null);
		const others = [...ledger.rows("breakers").values()].filter((row) => row.shared_key === key && refused(row));
		const isWitnessed = own.size > 1 || (own.size === 1 && others.some((row) => !own.has(row.key ?? null)));
		if (isShared !== isWitnessed)
			world.violate(
				"C9",
				`${key} ${isShared ? "trips" : "does not trip"} with ${own.size} refusals and ${others.length} in all`,
			);
	}
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
