/** Many jobs at once: due, overdue, delayed, or left by another version. */
import { OUT } from "../world/options.ts";
import type { Scenario } from "./scenario.ts";
import { MINUTE, SECOND, type Stage } from "./stage.ts";

/** What a sweep notes if all of its steps ran. */
const STEPS = ["released", "deliveriesReleased", "deliveriesEnqueued", "pruned", "inputsReaped", "secretsResealed"];

/** Runs so many minutes. Returns how many steps of their sweeps did not come to their end. */
async function stepsMissed(stage: Stage, minutes: number): Promise<number> {
	let missed = 0;
	for (let minute = 0; minute < minutes; minute++) {
		await stage.run(MINUTE);
		const [note] = stage.service.database.look("SELECT value FROM sweeper_notes WHERE name = 'last_sweep'");
		const counts: object = JSON.parse(String(note?.value ?? "{}"));
		missed += STEPS.filter((step) => !(step in counts)).length;
	}
	return missed;
}

const tenants = (stage: Stage, count: number, limits = {}) =>
	Promise.all(Array.from({ length: count }, (_, at) => stage.tenant(`t${at}`, limits)));
const set = (stage: Stage, sql: string, id = "") =>
	stage.service.database.look(sql.replaceAll("?now", String(stage.world.databaseNow)), ...(id === "" ? [] : [id]));

const ADMIN_KEY = "an-admin-token-of-the-simulation";
const LAPSED = `UPDATE jobs SET status = 'running', version = version + 1, fence = 1, attempt = 1, holder = 'dead',
	leased_at = ?now, lease_expires_at = ?now`;

export const BACKLOGS: readonly Scenario[] = [
	{
		name: "delayed-flood",
		promise: "a tenant's 2,000 jobs that come due at once keep no other tenant waiting",
		async play(stage) {
			const [one, other] = [await stage.tenant("one"), await stage.tenant("other")];
			stage.service.model.script = () => ({ afterMs: 2 * SECOND });
			const run_at = new Date(stage.world.now + 2 * MINUTE).toISOString();
			stage.submitEvenly(one, 100, 20 * SECOND, { run_at });
			await stage.run(2 * MINUTE + SECOND);
			stage.submitEvenly(other, 1, MINUTE);
			await stage.run(2 * MINUTE);
			const jobs = stage.jobsOf(other);
			stage.expect("jobs of the other", jobs.length, { atLeast: 60 });
			stage.expect("longest wait of them, ms", stage.longestWaitMs(jobs), { atMost: 10 * SECOND });
			await stage.run(15 * MINUTE, () => stage.jobsOf(one).every(({ status }) => status === "succeeded"));
			const left = stage.jobsOf(one).filter(({ status }) => status !== "succeeded");
			stage.expect("jobs of the flood left", left.length, { atMost: 0 });
			stage.expect("messages of one job at most", stage.work.messages.max, { atMost: 3 });
		},
	},
	{
		name: "mass-expiry",
		promise: "10,000 overdue jobs of 100 tenants keep no step of a sweep from its work",
		async play(stage) {
			const all = await tenants(stage, 100, { running_jobs: 0 });
			await stage.store(all, 100, { deadlineMs: 5 * MINUTE }, false);
			// So that a page has jobs of a hundred tenants.
			set(stage, "UPDATE jobs SET sweep_at = deadline_at + 40 * unicode(substr(id, -1)) + unicode(substr(id, -2, 1))");
			await stage.run(4 * MINUTE);
			stage.expect("steps missed", await stepsMissed(stage, 6), { atMost: 0 });
			const open = all.flatMap((tenant) => stage.jobsOf(tenant)).filter(({ status }) => status !== "expired");
			stage.expect("jobs not expired after five minutes", open.length, { atMost: 0 });
		},
	},
	{
		name: "big-backlog",
		promise: "behind 30,000 due jobs of ten tenants, the job of a dead holder is taken over within 150 s",
		async play(stage) {
			const all = await tenants(stage, 10);
			// The 600 jobs with slots are before it in the queue.
			stage.service.model.script = () => ({ afterMs: 2 * SECOND });
			await stage.store(all, 3_000, {}, false);
			// As the version before left them: without slots, each with a message that is lost.
			set(
				stage,
				"UPDATE jobs SET slot = NULL, parked_on = NULL, status_reason = NULL, version = version + 1, sweep_at = created_at",
			);
			const dead = await stage.tenant("dead");
			const [id = ""] = await stage.store([dead], 1, {}, false);
			set(stage, `${LAPSED} + 90000 WHERE id = ?1`, id);
			const startedAt = stage.world.now;
			const isOver = () => stage.work.leases.of(id) > 1;
			await stage.run(20 * MINUTE, isOver);
			stage.expect("taken over after, ms", stage.world.now - startedAt, { atMost: 150 * SECOND });
		},
	},
	{
		name: "flood-of-due-jobs",
		promise: "60,000 jobs that fall due at once delay no other tenant's, nor the rescue of a job behind 50,000 slots",
		async play(stage) {
			const [one, other] = [await stage.tenant("one"), await stage.tenant("other")];
			stage.service.model.script = () => ({ afterMs: 2 * SECOND });
			const [dead = "", held = ""] = await stage.store([one], 2, {}, false);
			const startedAt = stage.world.now;
			set(stage, `${LAPSED} + 110000 WHERE id = ?1`, dead);
			set(stage, `${LAPSED} + 1000000000, sweep_at = ?now + 1000000000 WHERE id = ?1`, held);
			const tenant = "printf('ten_00%05d', i / 50)";
			stage.copy(held, 50_000, { id: "id || i", tenant_id: tenant, slot: tenant });
			const [delayed = ""] = await stage.store([one], 1, { start: { delayMs: 100 * SECOND } }, false);
			stage.copy(delayed, 60_000, { id: "id || i" });
			const [next = ""] = await stage.store([other], 1, { start: { delayMs: 115 * SECOND } }, false);
			await stage.run(3 * MINUTE, () => stage.work.leases.of(dead) > 1 && stage.work.firstCallAt.has(next));
			const isTaken = stage.work.leases.of(dead) > 1;
			const tookMs = isTaken ? stage.world.now - startedAt : Number.POSITIVE_INFINITY;
			const calledMs = (stage.work.firstCallAt.get(next) ?? Number.POSITIVE_INFINITY) - startedAt;
			stage.expect("first call of a job that is due after 115 s, ms", calledMs, { atMost: 130 * SECOND });
			stage.expect("rescue of a job whose lease ended after 110 s, ms", tookMs, { atMost: 130 * SECOND });
		},
	},
	{
		name: "dead-holders-in-a-backlog",
		promise: "the death of a holder is noticed when its lease ends, however often its job was enqueued before",
		async play(stage) {
			const tenant = await stage.tenant("one");
			// Its message stays in the queue, so that no other one counts as lost.
			const [long = ""] = await stage.store([tenant], 1);
			stage.service.model.script = ({ jobId }) => ({ afterMs: jobId === long ? 13 * MINUTE : 2 * SECOND });
			await stage.run(11 * SECOND);
			const jobs = await stage.store([tenant], 20, {}, false);
			set(
				stage,
				"UPDATE jobs SET redispatches = 4, version = version + 1, sweep_at = ?now + 3600000 WHERE status = 'queued'",
			);
			// Between two looks of the long call's holder.
			const died = await stage.leaseToDead(tenant, jobs);
			stage.expect("holders that died with a lease", died.length, { atLeast: 1 });
			await stage.run(3 * MINUTE);
			const taken = died.filter((id) => stage.work.leases.of(id) > 1);
			stage.expect("of them, leases that were taken over within three minutes", taken.length, { atLeast: died.length });
		},
	},
	{
		name: "lost-message-in-a-backlog",
		promise: "a job that was given a slot, and whose message is lost, is called although the queue is never empty",
		async play(stage) {
			const [tenant, busy] = [await stage.tenant("one", { running_jobs: 1 }), await stage.tenant("busy")];
			stage.service.model.script = ({ tenantId }) => ({
				afterMs: tenantId === busy.tenantId ? 9 * MINUTE : 2 * SECOND,
			});
			await stage.store([busy], 1);
			const [, next = ""] = await stage.store([tenant], 2);
			const startedAt = stage.world.now;
			await stage.run(SECOND);
			stage.world.current = { ...stage.world.current, queueCalls: OUT };
			await stage.run(4 * SECOND);
			stage.world.current = { ...stage.world.current, queueCalls: stage.world.options.queueCalls };
			for (let round = 0; round < 6; round++) {
				await stage.store([busy], 1);
				await stage.run(5 * MINUTE);
			}
			const waitMs = (stage.work.firstCallAt.get(next) ?? Number.POSITIVE_INFINITY) - startedAt;
			stage.expect("first call of the job, beside calls of nine minutes, after ms", waitMs, { atMost: 3 * MINUTE });
			stage.expect("messages of a job at most", stage.work.messages.max, { atMost: 2 });
		},
	},
	{
		name: "dead-holders-behind-a-breaker",
		promise: "a job that a lost request took over is not called while its model's breaker is open",
		async play(stage) {
			const tenant = await stage.tenant("one");
			stage.service.model.script = ({ by }) => {
				by.die("it is out of memory");
				return { afterMs: 0 };
			};
			const jobs = await stage.store([tenant], 16);
			await stage.run(MINUTE);
			const callsBefore = stage.work.calls.total;
			const refusal = { status: 429, body: {}, headers: { "retry-after": "600" } };
			stage.service.model.script = () => ({ afterMs: SECOND, reply: refusal });
			await stage.store([tenant], 1);
			// Their leases end, and no sweep is near.
			await stage.run(45 * SECOND);
			stage.world.current = { ...stage.world.current, database: { before: 0, after: 0.7, late: 0, hang: 0 } };
			for (const jobId of jobs) stage.service.jobQueue.put({ tenantId: tenant.tenantId, jobId });
			await stage.run(10 * SECOND);
			stage.world.current = { ...stage.world.current, database: stage.world.options.database };
			await stage.run(5 * MINUTE);
			const takenOver = jobs.filter((id) => stage.work.leases.of(id) > 1).length;
			stage.expect("of 16 jobs, taken over", takenOver, { atLeast: jobs.length });
			const calls = stage.work.calls.total - callsBefore;
			stage.expect("calls after the holders died: the one that opened the breaker", calls, { atMost: 1 });
		},
	},
	{
		name: "lowered-limit",
		promise: "jobs that lose their slots to a lowered limit and come due in one batch run within that limit",
		async play(stage) {
			const tenant = await stage.tenant("one", { running_jobs: 8 });
			stage.service.model.script = () => ({ afterMs: 20 * SECOND });
			for (let job = 0; job < 4; job++) stage.submit(tenant, { delay_seconds: 30 });
			await stage.run(10 * SECOND);
			const path = `/v1/admin/tenants/${tenant.tenantId}`;
			const body = JSON.stringify({ limits: { running_jobs: 2 } });
			stage.simulation.http.ask({ method: "PATCH", path, key: ADMIN_KEY, body }, () => undefined);
			await stage.run(25 * SECOND);
			stage.expect("first calls", stage.work.firstCallAt.size, { atLeast: 2, atMost: 2 });
			await stage.run(MINUTE);
			stage.expect("of 4 jobs, called a minute later", stage.work.firstCallAt.size, { atLeast: 4 });
		},
	},
	{
		name: "open-jobs-at-once",
		promise: "submissions that arrive at once stay within the limit of open jobs",
		async play(stage) {
			const tenant = await stage.tenant("one", { open_jobs: 3 });
			stage.service.model.script = () => ({ afterMs: MINUTE });
			for (let job = 0; job < 20; job++) stage.submit(tenant);
			await stage.run(10 * SECOND);
			stage.expect("of 20 submissions, admitted", stage.jobsOf(tenant).length, { atLeast: 3, atMost: 3 });
		},
	},
	{
		name: "stored-bytes",
		promise: "a limit of stored bytes counts what was stored before it, refuses what comes beyond, and loses no result",
		async play(stage) {
			const tenant = await stage.tenant("one");
			stage.service.model.script = () => ({ afterMs: 20 * SECOND });
			await stage.storeEnded(tenant, 1_000, {});
			const [first = ""] = await stage.store([tenant], 40);
			await stage.run(7 * SECOND);
			const change = async (stored_bytes: number | null) => {
				const path = `/v1/admin/tenants/${tenant.tenantId}`;
				const body = JSON.stringify({ limits: { stored_bytes } });
				stage.simulation.http.ask({ method: "PATCH", path, key: ADMIN_KEY, body }, () => undefined);
				await stage.run(5 * SECOND);
			};
			const admittedOf = async (count: number) => {
				const statuses: unknown[] = [];
				for (let at = 0; at < count; at++) stage.submit(tenant, {}, (answer) => statuses.push(answer?.code));
				await stage.run(2 * SECOND);
				return statuses.filter((status) => status === 202).length;
			};
			const open = stage.jobsOf(tenant).filter(({ finished_at }) => finished_at === null);
			stage.expect("open jobs when the limit is set", open.length, { atLeast: 1 });
			await change(1);
			stage.expect("submissions admitted beyond it, of ten", await admittedOf(10), { atMost: 0 });
			await stage.run(2 * MINUTE);
			const done = stage.jobsOf(tenant).filter(({ status }) => status === "succeeded");
			stage.expect("jobs of before that succeed all the same", done.length, { atLeast: 40 });
			const [row] = stage.service.database.look("SELECT stored_bytes FROM tenants WHERE id = ?1", tenant.tenantId);
			await change(null);
			// Fewer than two inputs have.
			await change(Number(row?.stored_bytes) + 50);
			stage.expect("submissions admitted where bytes are left, of ten", await admittedOf(10), {
				atLeast: 1,
				atMost: 2,
			});
			const erase = { method: "DELETE", path: `/v1/jobs/${first}`, key: tenant.key };
			stage.simulation.http.ask(erase, () => undefined);
			await stage.run(SECOND);
			stage.expect("submissions admitted after an erasure, of ten", await admittedOf(10), { atLeast: 1, atMost: 9 });
			await change(null);
			stage.expect("submissions admitted without a limit, of ten", await admittedOf(10), { atLeast: 10 });
		},
	},
	{
		name: "other-version",
		promise: "a job with a history entry that another version wrote comes to its end, and gives its slot on",
		async play(stage) {
			const tenant = await stage.tenant("one", { running_jobs: 1 });
			const [id = ""] = await stage.store([tenant], 2, {}, false);
			set(stage, `${LAPSED}, attempts = '[{"number":1,"fence":0}]' WHERE id = ?1`, id);
			await stage.run(10 * MINUTE);
			const ended = stage.jobsOf(tenant).filter(({ status }) => status === "succeeded");
			stage.expect("jobs that succeeded, of two", ended.length, { atLeast: 2 });
			stage.expect("leases of one job at most", stage.work.leases.max, { atMost: 2 });
		},
	},
];
