/** Receivers that are down for days. */
import type { Tenant } from "../world/client.ts";
import type { Scenario } from "./scenario.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./stage.ts";

const webhookOf = ({ tenantId }: Tenant) =>
	({ url: `https://receiver.sim/${tenantId}`, payload: "thin", events: null }) as const;

/** Five minutes at ten a second. */
const BACKLOG = 3_000;

export const RECEIVERS: readonly Scenario[] = [
	{
		name: "receiver-back-after-a-day",
		promise:
			"a receiver that is back after a day gets a new event within 16 minutes, and within an hour all that it missed",
		async play(stage) {
			const { world, service } = stage;
			const tenant = await stage.tenant("one");
			let status = 503;
			const acceptedAt = new Map<string, number>();
			service.receivers.script = () => ({ afterMs: SECOND / 10, status });
			service.receivers.onPost((post) => {
				if (status === 200) acceptedAt.set(post.webhookId, world.now);
			});
			await stage.store([tenant], 2, { webhook: webhookOf(tenant) });
			await stage.run(DAY);
			status = 200;
			const [job = ""] = await stage.store([tenant], 1, { webhook: webhookOf(tenant) });
			const since = world.now;
			await stage.run(HOUR);
			const at = acceptedAt.get(`evt_${job.slice(4)}_succeeded`) ?? Number.NaN;
			stage.expect("minutes until a new event arrived", (at - since) / MINUTE, { atMost: 16 });
			const missed = stage.deliveriesOf(tenant).filter((row) => row.status !== "delivered").length;
			stage.expect("of 3 events, missed an hour later", missed, { atMost: 0 });
		},
	},
	{
		name: "backlog-of-a-receiver",
		promise: "a receiver that takes ten requests a second gets its whole backlog at that rate when it is back",
		options: { batchMin: 10, batchMax: 10 },
		async play(stage) {
			const { world, service } = stage;
			const tenant = await stage.tenant("one");
			let backAt = Number.POSITIVE_INFINITY;
			const acceptedAt: number[] = [];
			let refused = 0;
			let used = 0;
			// A bucket of two seconds.
			service.receivers.script = ({ at }) => {
				if (at < backAt) return { afterMs: SECOND / 10, status: 503 };
				const filled = (10 * (at - backAt)) / SECOND;
				used = Math.max(used, filled);
				if (used + 1 > filled + 20) {
					refused += 1;
					return { afterMs: SECOND / 10, status: 429, headers: { "retry-after": "1" } };
				}
				used += 1;
				acceptedAt.push(at);
				return { afterMs: SECOND / 10, status: 200 };
			};
			await stage.storeEnded(tenant, BACKLOG, { webhook: webhookOf(tenant) });
			await stage.run(HOUR);
			world.jumpDatabaseClock(23 * HOUR);
			backAt = world.now;
			await stage.run(2 * MINUTE);
			// What is being released by now is sent, however old it is.
			world.jumpDatabaseClock(5 * DAY);
			await stage.run(58 * MINUTE);
			const delivered = stage.deliveriesOf(tenant).filter((row) => row.status === "delivered").length;
			stage.expect(`of ${BACKLOG} events, arrived within an hour`, delivered, { atLeast: BACKLOG });
			const [first = 0, last = 0] = [acceptedAt[0], acceptedAt.at(-1)];
			stage.expect("arrivals a second, from the first to the last", (acceptedAt.length * SECOND) / (last - first), {
				atLeast: 8,
			});
			stage.expect("minutes until the first arrived", (first - backAt) / MINUTE, { atMost: 16 });
			stage.expect("requests that it had to refuse", refused, { atMost: BACKLOG / 100 });
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
