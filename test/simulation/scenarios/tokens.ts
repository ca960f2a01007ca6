/** A tenant with a limit of tokens a day, and calls whose use nobody reports. */

import type { Tenant } from "../world/client.ts";
import type { Scenario } from "./scenario.ts";
import { MINUTE, SECOND, type Stage } from "./stage.ts";

/** Of a call whose request names no `max_tokens`. */
const ESTIMATE = 4_096;

/** The response to one more submission. */
async function nextSubmission(stage: Stage, tenant: Tenant): Promise<number> {
	let status = 0;
	stage.submit(tenant, {}, (answer) => {
		status = answer?.code ?? 0;
	});
	await stage.run(SECOND);
	return status;
}

const reservedOf = (stage: Stage, { tenantId }: Tenant) =>
	Number(
		stage.service.database.look("SELECT tokens_reserved FROM tenants WHERE id = ?1", tenantId)[0]?.tokens_reserved,
	);

export const TOKENS: readonly Scenario[] = [
	{
		name: "tokens-reserved",
		promise:
			"calls that are cut or cancelled are charged, and calls in flight keep others from spending the same tokens",
		async play(stage) {
			const [cut, cancelled, quick] = [
				await stage.tenant("cut", { tokens_per_day: 4 * ESTIMATE }),
				await stage.tenant("cancelled", { tokens_per_day: ESTIMATE }),
				await stage.tenant("quick", { tokens_per_day: 4 * ESTIMATE }),
			];
			stage.service.model.script = () => ({ afterMs: 10 * MINUTE });
			for (let at = 0; at < 40; at++) stage.submit(cut, { timeout_seconds: 20, max_attempts: 1 });
			stage.submit(cancelled, {}, (answer) => {
				const { id } = JSON.parse(answer?.text ?? "{}") as { id: string };
				const cancel = { method: "POST", path: `/v1/jobs/${id}/cancel`, key: cancelled.key, body: "{}" };
				stage.world.after(5 * SECOND, () => stage.simulation.http.ask(cancel, () => undefined));
			});
			await stage.run(3 * MINUTE);
			// Those of one batch are leased together.
			stage.expect("calls of the tenant whose calls are cut", stage.work.calls.total - 1, { atLeast: 4, atMost: 8 });
			for (const [name, tenant] of Object.entries({ cut, cancelled })) {
				stage.expect(`response to the next job, calls ${name}`, await nextSubmission(stage, tenant), {
					atLeast: 429,
					atMost: 429,
				});
			}
			stage.service.model.script = () => ({ afterMs: SECOND });
			for (let at = 0; at < 40; at++) stage.submit(quick);
			await stage.run(5 * MINUTE);
			const done = stage.jobsOf(quick).filter(({ status }) => status === "succeeded").length;
			stage.expect("quick jobs that reserve more than they use and succeed", done, { atLeast: 40 });
			const reserved = [cut, cancelled, quick].map((tenant) => reservedOf(stage, tenant));
			stage.expect("tokens reserved when no call is in flight", Math.max(...reserved), { atMost: 0 });
		},
	},
];
