/** D1 or R2 out, wholly or in part. */
import { OUT } from "../world/options.ts";
import type { Scenario } from "./scenario.ts";
import { HOUR, MINUTE, SECOND } from "./stage.ts";

export const OUTAGES: readonly Scenario[] = [
	{
		name: "past-deadline-in-an-outage",
		promise: "jobs whose deadline passes while R2 is out wait for it, and do not spin",
		async play(stage) {
			const tenant = await stage.tenant("one");
			stage.world.current = { ...stage.world.current, storage: OUT };
			const jobs = await stage.store([tenant], 2, { deadlineMs: 2 * MINUTE, maxAttempts: 20 });
			// So long an invocation may hold results that it cannot store.
			await stage.run(15 * MINUTE);
			const before = stage.work.leases.total;
			await stage.run(2 * MINUTE);
			const leases = (stage.work.leases.total - before) / jobs.length / 2;
			stage.expect("leases of a job in a minute, past its deadline", leases, { atMost: 2 });
			stage.world.current = { ...stage.world.current, storage: stage.world.options.storage };
			await stage.run(2 * MINUTE);
			const expired = stage.jobsOf(tenant).filter(({ status }) => status === "expired").length;
			stage.expect("of two jobs, expired two minutes after R2 is back", expired, { atLeast: 2 });
		},
	},
	{
		name: "r2-refuses-puts",
		promise: "an R2 that stores nothing for an hour has no job's result bought more than twice",
		async play(stage) {
			const tenant = await stage.tenant("one");
			stage.service.model.script = () => ({ afterMs: 20 * SECOND });
			stage.world.current = { ...stage.world.current, storageWrites: OUT };
			const jobs = await stage.store([tenant], 20, { maxAttempts: 3 });
			await stage.run(HOUR);
			stage.expect("paid results of a job at most", stage.work.answers.max, { atMost: 2 });
			stage.expect("leases of a job at most, in an hour", stage.work.leases.max, { atMost: 120 });
			stage.world.current = { ...stage.world.current, storageWrites: null };
			await stage.run(15 * MINUTE);
			stage.expect("paid results of a job at most, in the end", stage.work.answers.max, { atMost: 2 });
			const done = stage.jobsOf(tenant).filter(({ status }) => status === "succeeded").length;
			stage.expect("of 20 jobs, succeeded 15 minutes after R2 is back", done, { atLeast: jobs.length });
		},
	},
	{
		name: "late-submissions",
		promise: "a submission that D1 executes seconds after it was given up stores no job that was erased meanwhile",
		async play(stage) {
			const { world } = stage;
			const tenant = await stage.tenant("one");
			stage.service.model.script = () => ({ afterMs: 0 });
			const erased = new Set<string>();
			const erase = (id: string) =>
				stage.simulation.http.ask({ method: "DELETE", path: `/v1/jobs/${id}`, key: tenant.key }, (answer) => {
					if (answer?.code === 204 || answer?.code === 200) erased.add(id);
				});
			const database = { ...world.options.database, late: 0.3 };
			world.current = { ...world.current, database };
			for (let count = 0; count < 200; count++)
				world.after(count * 50, () =>
					stage.submit(tenant, {}, (answer) => {
						// It is final by then.
						if (answer?.code === 202) world.after(2 * SECOND, () => erase(String(JSON.parse(answer.text).id)));
					}),
				);
			await stage.run(20 * SECOND);
			world.current = { ...world.current, database: world.options.database };
			await stage.run(MINUTE);
			const back = stage.jobsOf(tenant).filter(({ id }) => erased.has(String(id))).length;
			stage.expect("jobs that were erased", erased.size, { atLeast: 50 });
			stage.expect("of these, stored again", back, { atMost: 0 });
		},
	},
	{
		name: "killed-before-the-call",
		promise: "no job fails because its holders died before they called its model",
		async play(stage) {
			const tenant = await stage.tenant("one");
			stage.service.model.script = () => ({ afterMs: 10 * SECOND });
			const jobs = await stage.store([tenant], 40, { maxAttempts: 1 });
			// At its first call to a binding, which is the lease: before it, or after.
			stage.world.current = { ...stage.world.current, deaths: 1 };
			await stage.run(10 * MINUTE);
			stage.world.current = { ...stage.world.current, deaths: 0 };
			await stage.run(15 * MINUTE);
			const uncalled = stage
				.jobsOf(tenant)
				.filter(({ id, status_reason: reason }) => reason === "poisoned" && stage.work.calls.of(String(id)) === 0);
			stage.expect("jobs that failed as poisoned without a call", uncalled.length, { atMost: 0 });
			stage.expect("leases of a job at most", stage.work.leases.max, { atLeast: 2 });
			const final = stage.jobsOf(tenant).filter(({ finished_at: at }) => at !== null).length;
			stage.expect("of 40 jobs, ended", final, { atLeast: jobs.length });
		},
	},
];
