/** Jobs that share a batch. */
import type { Scenario } from "./scenario.ts";
import { MINUTE, SECOND } from "./stage.ts";

/** So few failures trip no breaker. */
const SLOW_MS = 500 * SECOND;

export const NEIGHBOURS: readonly Scenario[] = [
	{
		name: "killers-in-batches",
		promise: "a job that kills its isolate takes its neighbours with it once, and never again",
		async play(stage) {
			const tenant = await stage.tenant("one");
			const killers = new Set<string>();
			stage.service.model.script = ({ jobId, by }) => {
				if (killers.has(jobId)) by.die("it is out of memory");
				return { afterMs: 20 * SECOND };
			};
			const good = await stage.store([tenant], 3);
			for (const id of await stage.store([tenant], 1, { maxAttempts: 8 })) killers.add(id);
			// The killer is back after its lease, again and again, while others come and go.
			for (let minute = 0; minute < 40; minute++) {
				good.push(...(await stage.store([tenant], 12)));
				await stage.run(MINUTE);
			}
			const [killer = ""] = killers;
			stage.expect("deaths of isolates", stage.work.calls.of(killer), { atLeast: 6 });
			const again = good.map((id) => stage.work.calls.of(id) - 1);
			stage.expect(
				"calls that neighbours made once more",
				again.reduce((sum, one) => sum + Math.max(0, one), 0),
				{ atMost: 3 },
			);
			stage.expect("of one neighbour at most", Math.max(...again), { atMost: 1 });
			const done = stage.jobsOf(tenant).filter(({ status }) => status === "succeeded").length;
			stage.expect("neighbours that succeeded", done, { atLeast: good.length - 12 });
		},
	},
	{
		name: "slow-neighbour",
		promise: "a job is retried after its own wait, however long its neighbours in the batch take",
		async play(stage) {
			const tenant = await stage.tenant("one");
			const slow = new Set(await stage.store([tenant], 8));
			const quick = await stage.store([tenant], 8);
			const callsOf = new Map<string, number[]>();
			stage.service.model.script = ({ jobId, at }) => {
				if (slow.has(jobId)) return { afterMs: SLOW_MS };
				const calls = [...(callsOf.get(jobId) ?? []), at];
				callsOf.set(jobId, calls);
				return { afterMs: SECOND, ...(calls.length === 1 ? { reply: { status: 503, body: {} } } : {}) };
			};
			await stage.run(10 * MINUTE);
			const waits = quick.map((id) => {
				const [first = 0, second = Number.POSITIVE_INFINITY] = callsOf.get(id) ?? [];
				return second - first;
			});
			stage.expect("longest time between first and second call, ms", Math.max(...waits), { atMost: 10_000 });
			stage.expect("messages of a job at most", Math.max(...quick.map((id) => stage.work.messages.of(id))), {
				atMost: 2,
			});
		},
	},
];
