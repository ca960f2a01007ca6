/**
 * T1: who runs has a slot, and slots are given only as far as the limit in force goes, to those who may run now. T2: no
 * more jobs are open than may be, when one more is admitted. T3: no job is admitted, and no call made, when the day's
 * tokens are spent. T4: a slot that is free does not stay so while a job waits for it, unless calls in flight may spend the rest
 * of the day's tokens. T5: the most urgent goes next, then the oldest. T6: what is reserved are the tokens of calls in flight, and
 * a call that was cut or cancelled is charged its reservation.
 */
import { FAIR_SHARE } from "../../../shared/core/tenants/tenant.ts";
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { Row } from "../world/sql-engine.ts";
import type { Claim } from "./claims.ts";
import { isFinalRow, numberOf, textOf } from "./rows.ts";

const DAY_MS = 86_400_000;
/** So long before its time a job may hold a slot. */
const SLOT_WAIT_MS = 60_000;
/** Two sweeps, and the queue's own delays. */
const HANDED_ON_MS_MAX = 3 * 60_000;

type Limits = Record<"running_jobs" | "open_jobs" | "tokens_per_day", number | null>;
type Net = Pick<Changed, "tenantId" | "id" | "before" | "after" | "by">;

export function watchLimits(simulation: Simulation): undefined {
	const { ledger, world, claims } = simulation;
	if (world.options.limitChanges === 0) return;
	const spent = new Spent(simulation);
	const inVain = new Set<Claim>();
	ledger.onTransaction((changes) => {
		const nets = netOf(changes);
		for (const net of nets) {
			checkAdmission(simulation, net, spent);
			const claim = isClaim(net) ? claims.last(net.id) : null;
			if (claim !== null && spent.isAll(net.tenantId)) inVain.add(claim);
			if (claim !== null) checkClaim(simulation, net, spent.isAll(net.tenantId));
		}
		for (const change of changes) {
			if (change.table !== "tenants") continue;
			checkChange(simulation, change.id, change.by);
			spent.change(change);
		}
		for (const tenantId of new Set(nets.map((net) => net.tenantId))) checkReserved(simulation, tenantId);
		for (const net of nets) checkCharge(simulation, net);
		for (const [tenantId, own] of Map.groupBy(nets, (net) => net.tenantId)) checkSlots(simulation, tenantId, own);
		for (const net of nets) spent.add(net);
	});
	simulation.service.model.onCall(({ jobId, by, number }) => {
		const claim = claims.of(jobId, by);
		if (claim !== null && inVain.has(claim))
			world.violate("T3", `call ${number}, for ${jobId}, is made with tokens that its tenant does not have`);
	});
	watchHandOver(simulation, spent);
}

/** What a transaction made of each job. */
function netOf(changes: (Changed & { table: string })[]): Net[] {
	const nets = new Map<string, Net>();
	for (const { table, ...change } of changes) {
		if (table === "jobs") nets.set(change.id, { ...change, before: (nets.get(change.id) ?? change).before });
	}
	return [...nets.values()];
}

function limitsOf({ ledger }: Simulation, tenantId: string): Limits {
	return limitsIn(ledger.rows("tenants").get(`/${tenantId}`) ?? null);
}

function limitsIn(row: Row | null): Limits {
	return {
		running_jobs: null,
		open_jobs: null,
		tokens_per_day: null,
		...(JSON.parse(textOf(row, "limits")) as object),
	};
}

function jobsOf({ ledger }: Simulation, tenantId: string): Row[] {
	return [...ledger.rows("jobs").values()].filter((row) => row.tenant_id === tenantId);
}

function freeSlots(simulation: Simulation, tenantId: string): number {
	const held = jobsOf(simulation, tenantId).filter(({ slot }) => slot !== null).length;
	return (limitsOf(simulation, tenantId).running_jobs ?? FAIR_SHARE) - held;
}

function waitingOf(simulation: Simulation, tenantId: string): Row[] {
	return jobsOf(simulation, tenantId).filter((row) => row.parked_on === `tenant:${tenantId}`);
}

function isClaim({ before, after }: Net): boolean {
	return after !== null && numberOf(after, "fence") > numberOf(before, "fence");
}

function checkAdmission(simulation: Simulation, { tenantId, id, before, after }: Net, spent: Spent): void {
	if (before !== null || after === null) return;
	const { world } = simulation;
	const { open_jobs: openMax } = limitsOf(simulation, tenantId);
	const open = jobsOf(simulation, tenantId).filter((row) => !isFinalRow(row)).length;
	if (openMax !== null && open > openMax) world.violate("T2", `${id} is admitted, the ${open}th open of ${openMax}`);
	if (spent.isAll(tenantId)) world.violate("T3", `${id} is admitted when the day's tokens are spent`);
}

/** Past its deadline a job makes no call. */
function checkClaim({ world }: Simulation, { id, before, after, by }: Net, isSpent: boolean): void {
	if (numberOf(after, "deadline_at") <= world.databaseNow) return;
	if (after?.slot === null) world.violate("T1", `${by?.name} runs ${id} without a slot`);
	if (isSpent && before?.status === "queued")
		world.violate("T3", `${by?.name} starts ${id} when the day's tokens are spent`);
}

function checkSlots(simulation: Simulation, tenantId: string, nets: Net[]): void {
	const { world } = simulation;
	const gained = nets.filter(({ before, after }) => (after?.slot ?? null) !== null && (before?.slot ?? null) === null);
	const who = nets[0]?.by?.name;
	// A job that was past its deadline, and is not any more where the clock jumps back, takes an uncounted slot.
	const isExact = world.options.jumps === 0;
	if (gained.length > 0 && isExact && freeSlots(simulation, tenantId) < 0)
		world.violate("T1", `${who} gives ${gained.length} slots too many of ${tenantId}`);
	for (const { id, before, after } of nets) {
		const keepsSlot = before?.status === "running" && after?.status === "queued" && after.slot !== null;
		if (keepsSlot && isExact && freeSlots(simulation, tenantId) < 0)
			world.violate("T1", `${who} requeues ${id} with a slot beyond the limit`);
		const isAhead = numberOf(after, "run_at") > world.databaseNow + world.jumpedMs;
		if (isAhead && before?.parked_on === null && after?.status_reason === "running_limit")
			world.violate("T1", `${who} lines ${id} up before its time`);
		const isLater = numberOf(after, "run_at") > world.databaseNow + SLOT_WAIT_MS + world.jumpedMs;
		if (after?.slot !== null && after?.status === "queued" && isLater)
			world.violate("T1", `${who} leaves a slot to ${id}, which is to run much later`);
	}
	for (const { id, after } of gained) {
		const passedOver = waitingOf(simulation, tenantId).find((row) => after !== null && goesBefore(row, after));
		if (passedOver !== undefined) world.violate("T5", `${who} lets ${id} go before ${passedOver.id}`);
	}
}

function checkReserved(simulation: Simulation, tenantId: string): void {
	const row = simulation.ledger.rows("tenants").get(`/${tenantId}`) ?? null;
	if (row === null) return;
	const inFlight = jobsOf(simulation, tenantId).filter(({ status }) => status === "running");
	const reserved = inFlight.reduce((sum, job) => sum + numberOf(job, "tokens_reserved"), 0);
	if (numberOf(row, "tokens_reserved") !== reserved)
		simulation.world.violate(
			"T6",
			`${tenantId} has ${row.tokens_reserved} tokens reserved, its calls in flight ${reserved}`,
		);
}

function checkCharge({ world }: Simulation, { id, before, after, by }: Net): void {
	if (before?.status !== "running" || before.tokens_reserved === null || after === null) return;
	const isCharged = totalOf(after) - totalOf(before) >= numberOf(before, "tokens_reserved");
	const last = (JSON.parse(textOf(after, "attempts")) as { code: string | null; fence: number; outcome: string }[]).at(
		-1,
	);
	const isCut = last?.outcome === "cancelled" || last?.code === "timed_out";
	if (last?.fence === before.fence && isCut && !isCharged)
		world.violate("T6", `${by?.name} charges ${id} less than was reserved for a call of unknown usage`);
}

function totalOf(row: Row | null): number {
	return (JSON.parse(textOf(row, "usage") || "{}") as { totalTokens?: number }).totalTokens ?? 0;
}

/** A lowered limit leaves more only where they run. */
function checkChange(simulation: Simulation, tenantId: string, by: Net["by"]): void {
	const unbegun = jobsOf(simulation, tenantId).find(({ slot, status }) => slot !== null && status === "queued");
	if (unbegun !== undefined && freeSlots(simulation, tenantId) < 0)
		simulation.world.violate("T1", `${by?.name} lowers a limit and leaves a slot to ${unbegun.id}`);
}

export function goesBefore(one: Row, other: Row): boolean {
	const ahead = numberOf(one, "priority") - numberOf(other, "priority");
	return ahead > 0 || (ahead === 0 && textOf(one, "id") < textOf(other, "id"));
}

function watchHandOver(simulation: Simulation, spent: Spent): void {
	const { service, ledger, world, tenants } = simulation;
	const idleSince = new Map<string, number>();
	const look = () => {
		for (const { tenantId } of tenants) {
			const isIdle = waitingOf(simulation, tenantId).length > 0 && freeSlots(simulation, tenantId) > 0;
			if (!isIdle || spent.isAll(tenantId, true) || world.hasFaults) idleSince.delete(tenantId);
			else if (!idleSince.has(tenantId)) idleSince.set(tenantId, world.now);
		}
	};
	ledger.onTransaction(look);
	service.onSwept(() => {
		look();
		for (const [tenantId, since] of idleSince) {
			if (world.now - since > HANDED_ON_MS_MAX) world.violate("T4", `a slot of ${tenantId} is free, and a job waits`);
		}
	});
}

/**
 * What tenants' jobs have used: added up from the jobs' own rows. Calls for which tokens were reserved count as they are settled,
 * and other jobs as they end.
 */
class Spent {
	readonly #simulation: Simulation;
	/** Of jobs that ended, by tenant and day. */
	readonly #ended = new Map<string, number>();
	/** Of the last day, by tenant with a limit. */
	readonly #counted = new Map<string, { day: number; tokens: number }>();

	constructor(simulation: Simulation) {
		this.#simulation = simulation;
	}

	/** From when a tenant has a limit, its tokens count. */
	change({ id, before, after }: Pick<Changed, "id" | "before" | "after">): void {
		const hadLimit = before !== null && limitsIn(before).tokens_per_day !== null;
		if (after === null || hadLimit || limitsIn(after).tokens_per_day === null) return;
		const day = Math.floor(this.#simulation.world.databaseNow / DAY_MS);
		this.#counted.set(id, { day, tokens: this.#ended.get(`${id} ${day}`) ?? 0 });
	}

	add({ tenantId, before, after }: Net): void {
		if (after === null) return;
		const isEnd = !isFinalRow(before) && isFinalRow(after);
		const day = Math.floor(numberOf(after, isEnd ? "finished_at" : "leased_at") / DAY_MS);
		const endedThen = this.#ended.get(`${tenantId} ${day}`) ?? 0;
		if (isEnd) this.#ended.set(`${tenantId} ${day}`, endedThen + totalOf(after));
		const more = after.tokens_reserved !== null ? totalOf(after) - totalOf(before) : isEnd ? totalOf(after) : 0;
		const counted = this.#counted.get(tenantId);
		if (more <= 0 || counted === undefined || limitsOf(this.#simulation, tenantId).tokens_per_day === null) return;
		if (day > counted.day) this.#counted.set(tenantId, { day, tokens: more });
		else counted.tokens += more;
	}

	/** All that the tenant may use today. @param withReserved or all that its calls in flight leave of it */
	isAll(tenantId: string, withReserved = false): boolean {
		const { tokens_per_day: max } = limitsOf(this.#simulation, tenantId);
		const today = Math.floor(this.#simulation.world.databaseNow / DAY_MS);
		const { day, tokens } = this.#counted.get(tenantId) ?? { day: 0, tokens: 0 };
		const row = this.#simulation.ledger.rows("tenants").get(`/${tenantId}`) ?? null;
		const reserved = withReserved ? numberOf(row, "tokens_reserved") : 0;
		return max !== null && (day >= today ? tokens : 0) + reserved >= max;
	}
}
