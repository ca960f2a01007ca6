/**
 * What a job costs is bounded by what happens to it. U1: a lease makes a call or ends its job, unless its holder met a fault or
 * has no time left for a long call, or the job was gated or moved on. U2: a lease without a call is not followed by the next at once. U3: new messages and row updates are few
 * for each lease and release. U4: a paid result is lost only with a fault of its holder, and to failing puts at most once for
 * each outage, and once more.
 */
import type { Changed } from "../ledger.ts";
import type { Simulation } from "../simulate.ts";
import type { ModelCallSeen } from "../world/model.ts";
import type { Row } from "../world/sql-engine.ts";
import type { Claim } from "./claims.ts";
import { numberOf } from "./rows.ts";

/** The shortest lease, after which a dead holder's job is taken over; every other wait without a call is longer. */
const IDLE_MS_MIN = 20_000;
/** A submission, its repetition, and the sweeper's after 1, 5, 15 and 60 minutes. */
const MESSAGES_MAX = 8;
/** Its own, and one for a retry, while neighbours run. */
const MESSAGES_A_TURN = 2;
/** A submission, and the sweeper's looks. */
const UPDATES_MAX = 8;
/** Leased, given a slot, swept at the lease's end, settled, parked. */
const UPDATES_A_TURN = 4;

/** An invocation lives for fifteen minutes, of which two are for settling. */
const STORE_MS_MIN = 13 * 60_000;

/** From then on, an invocation could cut a long call: a job that waited for its turn goes to another invocation. */
const CALL_BEGIN_MS_MAX = 200_000;

interface JobWork {
	/** Times that a job was leased or released. */
	turns: number;
	messages: number;
	/** Of its row, but for heartbeats. */
	updates: number;
	paid: ModelCallSeen[];
}

export function watchWork(simulation: Simulation): undefined {
	const { ledger, service, claims } = simulation;
	const works = new Map<string, JobWork>();
	/** The claims that may have made no call. */
	const mayBeIdle = new Set<Claim>();
	const workOf = (id: string) => {
		const known = works.get(id) ?? { turns: 0, messages: 0, updates: 0, paid: [] };
		works.set(id, known);
		return known;
	};
	ledger.on("jobs", (changed) => {
		const { id, before, after } = changed;
		if (before === null || after === null) return;
		const work = workOf(id);
		if (!isHeartbeat(changed)) work.updates += 1;
		if (isReleased(changed)) work.turns += 1;
		if (numberOf(after, "fence") > numberOf(before, "fence")) {
			work.turns += 1;
			const claim = claims.last(id);
			if (claim !== null && mayBeTakenOver(simulation, before) && hasGates(simulation)) mayBeIdle.add(claim);
			checkLease(simulation, id, mayBeIdle);
		}
		if (before.status === "running" && after.status === "queued") {
			checkLost(simulation, changed, work.paid);
			const claim = claims.last(id);
			if (claim?.by && simulation.world.now - claim.by.startedAt >= CALL_BEGIN_MS_MAX) mayBeIdle.add(claim);
		}
		checkBounds(simulation, id, work);
	});
	service.jobQueue.onAccepted((body, _delay, by, isRetry) => {
		const { jobId } = body as { jobId: string };
		// One that was early, or met a fault, goes round as often as that happens to it.
		if (isRetry || by?.isHarmed) return;
		workOf(jobId).messages += 1;
		checkBounds(simulation, jobId, workOf(jobId));
	});
	// The sweeper notices each, and replaces it.
	service.jobQueue.onLost((body) => {
		const work = workOf((body as { jobId: string }).jobId);
		work.messages -= 1;
		work.updates -= 1;
	});
	const unstored = new Map<string, Set<unknown>>();
	service.bucket.onChange(({ kind, key }, by) => {
		const jobId = key.split("/").at(-1) ?? "";
		if (kind === "put_failed") unstored.set(jobId, (unstored.get(jobId) ?? new Set()).add(by));
	});
	service.model.onCall((call) => checkPaid(simulation, call, workOf(call.jobId).paid, unstored.get(call.jobId)));
	service.model.onAnswer((call) => void workOf(call.jobId).paid.push(call));
}

function isHeartbeat({ before, after }: Changed): boolean {
	return before?.status === "running" && after?.status === "running" && after.fence === before.fence;
}

function isReleased({ before, after }: Changed): boolean {
	return (before?.parked_on ?? null) !== null && after?.parked_on === null && after.status === "queued";
}

/** The history of another version may end with a holder that the row does not name. */
function mayBeTakenOver({ world }: Simulation, before: Row): boolean {
	return before.status === "running" || world.options.otherVersions > 0;
}

/** A job that is taken over is leased even if it may not be called. */
function hasGates({ ledger, world }: Simulation): boolean {
	return ledger.rows("breakers").size > 0 || world.options.limitChanges > 0;
}

function checkLease({ claims, world }: Simulation, id: string, mayBeIdle: ReadonlySet<Claim>): void {
	const [last, next] = claims.all(id).slice(-2);
	if (last === undefined || next === undefined || last.calls > 0 || mayBeIdle.has(last)) return;
	// It moved on from a closed model, without a call.
	if (last.row.model !== next.row.model) return;
	const isExcused = last.by === null || last.by.isHarmed || last.isUnknown || hasJumpedAhead(last, next);
	if (!isExcused) world.violate("U1", `${last.by?.name} leased ${id} for nothing`);
	const idleMs = next.at - last.at;
	// No wait is longer than the deadline is away.
	const isBecauseOverdue =
		next.databaseAt >= numberOf(next.row, "deadline_at") && last.databaseAt < numberOf(last.row, "deadline_at");
	if (world.options.jumps === 0 && idleMs < IDLE_MS_MIN && !isBecauseOverdue)
		world.violate("U2", `${id} is leased again ${idleMs} ms after a lease without a call`);
}

/** The database's clock was set to a later time between the two leases. */
function hasJumpedAhead(last: Claim, next: Claim): boolean {
	return next.databaseAt - last.databaseAt > next.at - last.at + IDLE_MS_MIN;
}

function checkBounds({ world }: Simulation, id: string, { turns, messages, updates }: JobWork): void {
	if (messages > MESSAGES_MAX + MESSAGES_A_TURN * turns)
		world.violate("U3", `${messages} new messages for ${id}, leased or released ${turns} times`);
	if (updates > UPDATES_MAX + UPDATES_A_TURN * turns)
		world.violate("U3", `${updates} updates of ${id}, leased or released ${turns} times`);
}

/** A holder that lives tries to store what was paid for until its invocation is about to end. */
function checkLost({ world }: Simulation, { id, by }: Changed, paid: ModelCallSeen[]): void {
	const isLost = by !== null && !by.wasPaused && paid.some((call) => call.by === by);
	if (isLost && world.now - by.startedAt < STORE_MS_MIN)
		world.violate("U4", `${by.name} gives up a result of ${id} that was paid for`);
}

/** `paid`: the results that were paid for before this call. `unstored`: the holders that could not store theirs. */
function checkPaid(
	{ world, claims }: Simulation,
	call: ModelCallSeen,
	paid: ModelCallSeen[],
	unstored = new Set(),
): void {
	const { outages, jumps } = world.options;
	const fenceOf = ({ jobId, by }: ModelCallSeen) => claims.of(jobId, by)?.fence ?? 0;
	for (const one of paid) {
		const { number, by } = one;
		// A holder that wakes up late may call though its lease is long lost.
		if (!by.isHarmed && jumps === 0 && fenceOf(one) < fenceOf(call))
			world.violate("U4", `call ${call.number} buys again what ${by.name} got with call ${number} for ${call.jobId}`);
	}
	const lost = paid.filter(({ by }) => unstored.has(by) && !by.wasKilled && !by.wasPaused);
	// A clock that is set to a later time ends leases, so that the next holder begins.
	if (jumps === 0 && lost.length > 1 + outages)
		world.violate("U4", `${lost.length} results of ${call.jobId} were paid for and not stored`);
}
