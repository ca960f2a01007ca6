/** D1 as a server: below its capacity, and at it. */
import type { Scenario } from "./scenario.ts";
import { MINUTE, SECOND } from "./stage.ts";

/** Of a call, whatever it asks. */
const ANSWER_MS = 2 * SECOND;

export const LATENT_D1: readonly Scenario[] = [
	{
		name: "busy-d1",
		promise: "D1 at half of its capacity delays no job",
		async play(stage) {
			const tenant = await stage.tenant("one");
			const server = stage.serveD1({ statementMs: 2, transactionMs: 2, waitMsMax: 20 * SECOND });
			stage.service.model.script = () => ({ afterMs: ANSWER_MS });
			const startedAt = stage.world.now;
			stage.submitEvenly(tenant, 10, 5 * MINUTE);
			await stage.run(5 * MINUTE + 20 * SECOND);
			const jobs = stage.jobsOf(tenant);
			stage.expect("jobs submitted", jobs.length, { atLeast: 3_000 });
			stage.expect("of them succeeded", jobs.filter(({ status }) => status === "succeeded").length, { atLeast: 3_000 });
			stage.expect("longest wait for the first call, ms", stage.longestWaitMs(jobs), { atMost: 5_000 });
			stage.expect("leases of one job at most", stage.work.leases.max, { atMost: 1 });
			stage.expect("D1 busy, %", Math.round((100 * server.busyMs) / (stage.world.now - startedAt)), { atMost: 80 });
		},
	},
];
