/**
 * C7: a job waits for a breaker of its own that is open, and is released with a slot, or to its tenant's line. C8: of jobs that wait
 * for one breaker, the most urgent of each tenant goes first, those that failed as probes last, and the tenants take turns.
 */
import { breakerKeysOf, ownKeyOf } from "../../../shared/core/upstreams/credentials.ts";
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import { callsGranted } from "./breakers.ts";
import { goesBefore } from "./limits.ts";
import { numberOf, textOf } from "./rows.ts";

export function watchReleases(simulation: Simulation): undefined {
	const turns = new Turns(simulation);
	simulation.ledger.onTransaction((changes) => {
		const moved = changes.filter(
			({ table, before, after }) => table === "jobs" && before?.parked_on !== after?.parked_on,
		);
		for (const change of moved) {
			checkParked(simulation, change);
			turns.note(change);
		}
		const released = moved.filter(({ before, after }) => isOfBreaker(before) && after?.status === "queued");
		for (const change of released) checkReleased(simulation, change);
		const byKey = Map.groupBy(released, ({ before }) => textOf(before, "parked_on"));
		const passed = changes.filter(
			({ table, before, after }) =>
				table === "breakers" && (before?.served_last ?? null) !== (after?.served_last ?? null),
		);
		for (const key of new Set([...byKey.keys(), ...passed.map(({ id }) => id)])) turns.take(key, byKey.get(key) ?? []);
	});
}

function isOfBreaker(row: Row | null): boolean {
	return row !== null && row.parked_on !== null && !textOf(row, "parked_on").startsWith("tenant:");
}

function keysOf(row: Row): string[] {
	const tenantId = textOf(row, "tenant_id");
	return breakerKeysOf({ tenantId, credential: textOf(row, "credential"), model: textOf(row, "model") });
}

function checkParked({ world, ledger }: Simulation, { id, after, by }: Changed): void {
	if (after === null || !isOfBreaker(after)) return;
	const key = textOf(after, "parked_on");
	const breaker = ledger.rows("breakers").get(`/${key}`) ?? null;
	if (!keysOf(after).includes(key)) world.violate("C7", `${by?.name} parks ${id} on ${key}, which is not its own`);
	if (numberOf(breaker, "open_until") <= world.databaseNow)
		world.violate("C7", `${by?.name} parks ${id} on ${key}, which is not open`);
}

function checkReleased({ world, ledger }: Simulation, { tenantId, id, before, after, by }: Changed): void {
	if (after?.parked_on === null && after.slot === null)
		world.violate("C7", `${by?.name} releases ${id} without a slot`);
	const key = textOf(before, "parked_on");
	const passedOver = [...ledger.rows("jobs").values()].find(
		(row) => row.parked_on === key && row.tenant_id === tenantId && after !== null && isReleasedBefore(row, after),
	);
	if (passedOver !== undefined)
		world.violate("C8", `${by?.name} releases ${id} of ${key} before ${textOf(passedOver, "id")}`);
}

/** Those that failed as probes come last, in the order of their failures. */
function isReleasedBefore(one: Row, other: Row): boolean {
	if (one.probed_at === null || other.probed_at === null)
		return one.probed_at === other.probed_at ? goesBefore(one, other) : one.probed_at === null;
	return numberOf(one, "probed_at") < numberOf(other, "probed_at");
}

/** When each tenant was last served by each key, and since when its jobs wait, in releases. */
class Turns {
	readonly #simulation: Simulation;
	readonly #servedAt = new Map<string, number>();
	readonly #parkedAt = new Map<string, number>();
	#releases = 0;

	constructor(simulation: Simulation) {
		this.#simulation = simulation;
	}

	note({ id, after }: Changed): void {
		if (isOfBreaker(after)) this.#parkedAt.set(id, this.#releases);
		else this.#parkedAt.delete(id);
	}

	/** Checks the tenants that are left waiting against those that were served. A tenant that its own breaker gates has its turn. */
	take(key: string, released: Changed[]): void {
		const { ledger, world } = this.#simulation;
		this.#releases += 1;
		const counts = new Map([...Map.groupBy(released, (one) => one.tenantId)].map(([id, own]) => [id, own.length]));
		const gated: string[] = [];
		const left = [...ledger.rows("jobs").values()].filter((row) => row.parked_on === key);
		for (const [tenantId, rows] of Map.groupBy(left, (row) => textOf(row, "tenant_id"))) {
			const count = counts.get(tenantId) ?? 0;
			const own = ledger.rows("breakers").get(`/${ownKeyOf(tenantId, key)}`);
			if (own !== undefined && callsGranted(own, world.databaseNow) <= count) {
				gated.push(tenantId);
				continue;
			}
			const since = Math.min(...rows.map((row) => this.#parkedAt.get(textOf(row, "id")) ?? this.#releases));
			const last = Math.max(since, this.#servedAt.get(`${key} ${tenantId}`) ?? 0);
			for (const [other, ofOther] of counts) {
				const isEarlier = count === 0 && (this.#servedAt.get(`${key} ${other}`) ?? 0) > last;
				if (other !== tenantId && (isEarlier || ofOther > count + 1))
					world.violate(
						"C8",
						`${released[0]?.by?.name} releases ${ofOther} jobs of ${other}, and ${tenantId} waits for ${key}`,
					);
			}
		}
		const passed = gated.filter((tenantId) => isPassed(ledger.rows("breakers").get(`/${key}`), tenantId));
		for (const tenantId of [...counts.keys(), ...passed]) this.#servedAt.set(`${key} ${tenantId}`, this.#releases);
	}
}

/** Whether the turn of a tenant was among those of the last release. */
function isPassed(breaker: Row | undefined, tenantId: string): boolean {
	if (breaker === undefined) return true;
	const [from, to] = [textOf(breaker, "served_before"), textOf(breaker, "served_last")];
	return from < to ? from < tenantId && tenantId <= to : from < tenantId || tenantId <= to;
}
