/**
 * T1: who runs has a slot, and slots are given only as far as the limit in force goes, to those who may run now. T2: no
 * more jobs are open than may be, when one more is admitted. T3: no job is admitted, and no call made, when the day's
 * tokens are spent. T4: a slot that is free does not stay so while a job waits for it. T5: the most urgent goes next,
 * then the oldest.
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
		for (const { table, id, by } of changes) if (table === "tenants") checkChange(simulation, id, by);
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
	return JSON.parse(textOf(ledger.rows("tenants").get(`/${tenantId}`) ?? null, "limits")) as Limits;
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
			if (!isIdle || spent.isAll(tenantId) || world.hasFaults) idleSince.delete(tenantId);
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

/** What tenants' jobs have used, by the day on which they ended: added up from the jobs' own rows. */
class Spent {
	readonly #simulation: Simulation;
	readonly #tokens = new Map<string, number>();

	constructor(simulation: Simulation) {
		this.#simulation = simulation;
	}

	add({ tenantId, before, after }: Net): void {
		if (after === null || isFinalRow(before) || !isFinalRow(after)) return;
		const day = `${tenantId} ${Math.floor(numberOf(after, "finished_at") / DAY_MS)}`;
		const { totalTokens } = JSON.parse(textOf(after, "usage") || "{}") as { totalTokens?: number };
		this.#tokens.set(day, (this.#tokens.get(day) ?? 0) + (totalTokens ?? 0));
	}

	/** All that the tenant may use today. */
	isAll(tenantId: string): boolean {
		const { tokens_per_day: max } = limitsOf(this.#simulation, tenantId);
		const today = Math.floor(this.#simulation.world.databaseNow / DAY_MS);
		return max !== null && (this.#tokens.get(`${tenantId} ${today}`) ?? 0) >= max;
	}
}
