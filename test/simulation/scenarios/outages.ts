/** D1 or R2 out, wholly or in part. */
import { OUT } from "../world/options.ts";
import type { Scenario } from "./scenario.ts";
import { MINUTE, SECOND } from "./stage.ts";

export const OUTAGES: readonly Scenario[] = [
	{
		name: "past-deadline-in-an-outage",
		promise: "jobs whose deadline passes while R2 is out wait for it, and do not spin",
		async play(stage) {
			const tenant = await stage.tenant("one");
			stage.service.model.script = () => ({ afterMs: SECOND, reply: { status: 503, body: {} } });
			const jobs = await stage.store([tenant], 10, { deadlineMs: 2 * MINUTE, maxAttempts: 20 });
			await stage.run(30 * SECOND);
			stage.world.current = { ...stage.world.current, storage: OUT };
			await stage.run(2 * MINUTE);
			const before = stage.work.leases.total;
			await stage.run(5 * MINUTE);
			const leases = (stage.work.leases.total - before) / jobs.length / 5;
			stage.expect("leases of a job in a minute, past its deadline", leases, { atMost: 2 });
			stage.world.current = { ...stage.world.current, storage: stage.world.options.storage };
			await stage.run(2 * MINUTE);
			const expired = stage.jobsOf(tenant).filter(({ status }) => status === "expired").length;
			stage.expect("of ten jobs, expired two minutes after R2 is back", expired, { atLeast: 10 });
		},
	},
];
