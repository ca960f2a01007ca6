/** Jobs that share a batch. */
import type { Scenario } from "./scenario.ts";
import { MINUTE, SECOND } from "./stage.ts";

/** So few failures trip no breaker. */
const SLOW_MS = 500 * SECOND;

export const NEIGHBOURS: readonly Scenario[] = [
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
