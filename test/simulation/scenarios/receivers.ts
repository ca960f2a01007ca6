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
	{
		name: "dead-receiver",
		promise: "all deliveries to a receiver that is dead end within minutes of their five days, without messages",
		options: { batchMin: 20, batchMax: 20 },
		async play(stage) {
			const { world, service, work } = stage;
			service.receivers.script = () => ({ afterMs: SECOND / 10, status: 503 });
			const [few, many] = [await stage.tenant("few"), await stage.tenant("many")];
			await stage.storeEnded(few, 300, { webhook: webhookOf(few) });
			await stage.storeEnded(many, 10_000, { webhook: webhookOf(many) });
			const startedAt = world.now;
			await stage.run(HOUR);
			const before = work.messages.total;
			await stage.run(4 * HOUR);
			stage.expect("messages an hour, for both receivers", (work.messages.total - before) / 4, { atMost: 20 });
			world.jumpDatabaseClock(5 * DAY - 6 * HOUR);
			await stage.run(HOUR + 20 * MINUTE);
			stage.expect("messages since the first hour", work.messages.total - before, { atMost: 250 });
			for (const tenant of [few, many]) {
				const rows = stage.deliveriesOf(tenant);
				const left = rows.filter(({ status }) => status === "pending").length;
				stage.expect(`of ${rows.length} deliveries, left 20 minutes after five days`, left, { atMost: 0 });
				const last = Math.max(...rows.map(({ finished_at }) => Number(finished_at) - startedAt - 5 * DAY));
				stage.expect("the last one ended, minutes after five days", last / MINUTE, { atMost: 17 });
			}
			stage.expect("posts of one of them at most", work.posts.max, { atMost: 10 });
		},
	},
];
