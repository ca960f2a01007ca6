/** D1 as a server: below its capacity, and beyond it. */
import type { Tenant } from "../world/client.ts";
import type { D1Server } from "../world/d1-server.ts";
import type { Scenario } from "./scenario.ts";
import { MINUTE, SECOND, type Stage } from "./stage.ts";

/** Of a call, whatever it asks. */
const ANSWER_MS = 2 * SECOND;
const D1 = { statementMs: 2, transactionMs: 2, waitMsMax: 20 * SECOND };
/** Enough that their slots are no limit. */
const TENANTS = 5;
/** How long after an overload everything is as before. */
const RECOVERY_MS = 2 * MINUTE;

/** Jobs a second that end within a window of time. */
function goodput(stage: Stage, from: number, forMs: number): number {
	const ends = [...stage.work.finalAt.values()].filter((at) => at >= from && at < from + forMs);
	return (ends.length * SECOND) / forMs;
}

/** Submits evenly, so many a second in all. */
function submitAll(
	stage: Stage,
	tenants: readonly Tenant[],
	aSecond: number,
	forMs: number,
	request: object = {},
): void {
	for (const tenant of tenants) stage.submitEvenly(tenant, aSecond / tenants.length, forMs, request);
}

/** Jobs a second that D1 can both store and carry to their end, in full batches. */
async function capacityOf(stage: Stage, tenants: readonly Tenant[], server: D1Server): Promise<number> {
	const idle = server.busyMs;
	submitAll(stage, tenants, 10, 5 * SECOND, { delay_seconds: 86_400 });
	await stage.run(6 * SECOND);
	const submissionMs = (server.busyMs - idle) / 50;
	const from = stage.world.now;
	const jobs = await stage.store(tenants, 200);
	await stage.run(10 * MINUTE, () => stage.work.finalAt.size === jobs.length);
	return SECOND / (submissionMs + (stage.world.now - from) / jobs.length);
}

interface Overload extends Pick<Scenario, "name" | "isLong"> {
	/** Of the capacity. */
	factor: number;
	forMs: number;
}

/** As much as D1 can serve or more, for a while, then a quarter of its capacity. */
function overload({ factor, forMs, ...rest }: Overload): Scenario {
	return {
		...rest,
		promise: `${factor} times D1's capacity for ${forMs / MINUTE} min is served at capacity, and leaves nothing behind`,
		async play(stage) {
			const names = Array.from({ length: TENANTS }, (_, at) => `t${at}`);
			const tenants = await Promise.all(names.map((name) => stage.tenant(name)));
			const server = stage.serveD1(D1);
			stage.service.model.script = () => ({ afterMs: ANSWER_MS });
			const capacity = await capacityOf(stage, tenants, server);
			stage.expect("capacity, jobs a second", capacity);
			const overloadedAt = stage.world.now;
			submitAll(stage, tenants, factor * capacity, forMs, { max_attempts: 1 });
			await stage.run(forMs);
			const served = goodput(stage, overloadedAt + MINUTE / 2, forMs - MINUTE / 2) / capacity;
			stage.expect("of the capacity, served under overload", served, { atLeast: 0.8 });
			const jobs = () => tenants.flatMap((tenant) => stage.jobsOf(tenant));
			const accepted = jobs().filter(({ created_at: at }) => Number(at) >= overloadedAt).length;
			stage.expect("of the submissions, accepted", accepted / ((factor * capacity * forMs) / SECOND));
			const calmAt = stage.world.now;
			submitAll(stage, tenants, capacity / 4, 4 * MINUTE);
			await stage.run(4 * MINUTE);
			const after = goodput(stage, calmAt + RECOVERY_MS, 2 * MINUTE) / (capacity / 4);
			stage.expect("of a quarter of the capacity, served from 2 min after the overload", after, { atLeast: 0.95 });
			const poisoned = jobs().filter(({ status_reason }) => status_reason === "poisoned");
			const uncalled = poisoned.filter(({ id }) => stage.work.calls.of(String(id)) === 0).length;
			stage.expect("jobs that failed as poisoned without a call", uncalled, { atMost: 0 });
		},
	};
}

export const LATENT_D1: readonly Scenario[] = [
	{
		name: "busy-d1",
		promise: "D1 at half of its capacity delays no job",
		async play(stage) {
			const tenant = await stage.tenant("one");
			const server = stage.serveD1(D1);
			stage.service.model.script = () => ({ afterMs: ANSWER_MS });
			const startedAt = stage.world.now;
			stage.submitEvenly(tenant, 20, 2 * MINUTE);
			await stage.run(2 * MINUTE + 20 * SECOND);
			const jobs = stage.jobsOf(tenant);
			stage.expect("jobs submitted", jobs.length, { atLeast: 2_400 });
			stage.expect("of them succeeded", jobs.filter(({ status }) => status === "succeeded").length, { atLeast: 2_400 });
			stage.expect("longest wait for the first call, ms", stage.longestWaitMs(jobs), { atMost: 5_000 });
			stage.expect("leases of one job at most", stage.work.leases.max, { atMost: 1 });
			stage.expect("D1 busy, %", Math.round((100 * server.busyMs) / (stage.world.now - startedAt)), { atMost: 80 });
		},
	},
	overload({ name: "overloaded-d1", factor: 3, forMs: MINUTE }),
	overload({ name: "overloaded-d1-for-5-minutes", factor: 3, forMs: 5 * MINUTE, isLong: true }),
	overload({ name: "d1-beyond-capacity", factor: 1.5, forMs: 5 * MINUTE, isLong: true }),
	overload({ name: "d1-at-capacity", factor: 1, forMs: 5 * MINUTE, isLong: true }),
	{
		name: "stalled-d1",
		promise: "a D1 that stalls grants no lease to a holder that has given up",
		async play(stage) {
			const tenant = await stage.tenant("one");
			const server = stage.serveD1({ statementMs: 1, transactionMs: 1, waitMsMax: 5 * MINUTE });
			stage.service.shareOfOneIsolate = 1;
			stage.service.model.script = () => ({ afterMs: ANSWER_MS });
			await stage.store([tenant], 8);
			await stage.run(30 * SECOND);
			server.stall(90 * SECOND);
			await stage.store([tenant], 60);
			await stage.run(5 * MINUTE);
			stage.expect("leases of a job at most", stage.work.leases.max, { atMost: 1 });
			stage.expect("of 68 jobs, ended three minutes after the stall", stage.work.finalAt.size, { atLeast: 68 });
		},
	},
	{
		name: "clocks-apart",
		promise: "jobs are leased however far the clocks of D1 and of a worker are apart, and when D1's is set",
		options: { skewMs: 10 * MINUTE },
		async play(stage) {
			const tenant = await stage.tenant("one");
			stage.service.shareOfOneIsolate = 1;
			stage.service.model.script = () => ({ afterMs: ANSWER_MS });
			for (const jumpMs of [0, 25 * MINUTE, -50 * MINUTE]) {
				stage.world.jumpDatabaseClock(jumpMs);
				const jobs = await stage.store([tenant], 40, {}, false);
				for (const jobId of jobs) stage.service.jobQueue.put({ tenantId: tenant.tenantId, jobId });
				await stage.run(20 * SECOND);
				const ended = jobs.filter((id) => stage.work.finalAt.has(id)).length;
				stage.expect(`of 40 jobs, ended 20 s after D1's clock is set by ${jumpMs / MINUTE} min`, ended, {
					atLeast: 40,
				});
			}
		},
	},
	{
		name: "lapsed-leases-alone",
		promise: "a worker learns from a lapsed lease alone that D1's clock was set",
		options: { skewMs: 10 * MINUTE },
		async play(stage) {
			const tenant = await stage.tenant("one");
			stage.service.shareOfOneIsolate = 1;
			stage.service.model.script = () => ({ afterMs: ANSWER_MS });
			await stage.store([tenant], 4);
			await stage.run(20 * SECOND);
			const left = await stage.leaseToDead(tenant, await stage.store([tenant], 20, {}, false));
			stage.expect("holders that died with a lease", left.length, { atLeast: 1 });
			stage.world.jumpDatabaseClock(25 * MINUTE);
			for (const jobId of left) stage.service.jobQueue.put({ tenantId: tenant.tenantId, jobId });
			await stage.run(20 * SECOND);
			const ended = left.filter((id) => stage.work.finalAt.has(id)).length;
			stage.expect("of their jobs, ended 20 s after the next message", ended, { atLeast: left.length });
		},
	},
];
