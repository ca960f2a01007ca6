/** Receivers that are down for days. */
import type { Tenant } from "../world/client.ts";
import type { Scenario } from "./scenario.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./stage.ts";

const webhookOf = ({ tenantId }: Tenant) =>
	({ url: `https://receiver.sim/${tenantId}`, payload: "thin", events: null }) as const;

export const RECEIVERS: readonly Scenario[] = [
	{
		name: "receiver-back-after-a-day",
		promise: "a receiver that is back after a day gets a new event within 16 minutes",
		async play(stage) {
			const { world, service } = stage;
			const tenant = await stage.tenant("one");
			let status = 503;
			const acceptedAt = new Map<string, number>();
			service.receivers.script = () => ({ afterMs: SECOND / 10, status });
			service.receivers.onPost((post) => {
				if (status === 200) acceptedAt.set(post.webhookId, world.now);
			});
			await stage.store([tenant], 20, { webhook: webhookOf(tenant) });
			await stage.run(DAY);
			status = 200;
			const [job = ""] = await stage.store([tenant], 1, { webhook: webhookOf(tenant) });
			const since = world.now;
			await stage.run(HOUR);
			const at = acceptedAt.get(`evt_${job.slice(4)}_succeeded`) ?? Number.NaN;
			stage.expect("minutes until a new event arrived", (at - since) / MINUTE, { atMost: 16 });
		},
	},
];
