/** Receivers that are down for days, and hosts with many receivers. */
import { newId } from "../../../shared/core/ids.ts";
import { receiverDigest } from "../../../shared/crypto/receiver-digest.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { createEndpoint } from "../../../shared/db/deliveries/webhook-endpoints.ts";
import type { Tenant } from "../world/client.ts";
import type { Scenario } from "./scenario.ts";
import { DAY, HOUR, MINUTE, SECOND, type Stage } from "./stage.ts";

const webhookOf = ({ tenantId }: Tenant) =>
	({ url: `https://receiver.sim/${tenantId}`, payload: "thin", events: null }) as const;

/** As a submission stores it, at a path of the one host. */
async function webhookAt({ service }: Stage, { tenantId }: Tenant, path: string) {
	const url = `https://hooks.sim/${path}/${tenantId}`;
	const urlDigest = await receiverDigest(service.invocation("intake").runtime, tenantId, url);
	return { url, payload: "thin", events: null, urlDigest } as const;
}

/** Registers endpoints at paths of the one host. Returns their ids. */
async function registerEndpoints({ service, db }: Stage, { tenantId }: Tenant, count: number): Promise<string[]> {
	const { runtime } = service.invocation("intake");
	const ids: string[] = [];
	for (let at = 0; at < count; at++) {
		const key = { tenantId, endpointId: newId("we", runtime) };
		const secret = await seal(
			runtime,
			service.config.signingKeys[0] ?? "",
			`${tenantId}|${key.endpointId}`,
			`whsec_${btoa("s".repeat(32))}`,
		);
		const endpoint = { ...key, name: "e", url: `https://hooks.sim/${at}/${tenantId}`, eventTypes: ["job.*"] };
		const by = { actor: "operator", requestId: `req_${"0".repeat(26)}` };
		await createEndpoint(db, { ...endpoint, payload: "thin", secretHint: "ssss", sealedSecret: secret }, by);
		ids.push(key.endpointId);
	}
	return ids;
}

/** The most that `values` have within any `ms`. */
function mostWithin(values: readonly number[], ms: number): number {
	let from = 0;
	return Math.max(
		0,
		...values.map((value, at) => {
			while ((values[from] ?? value) <= value - ms) from += 1;
			return at - from + 1;
		}),
	);
}

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
		name: "enabled-endpoint",
		promise: "an endpoint that its owner enables gets its next event at once, however long its pause would last",
		async play(stage) {
			const { world, service, work } = stage;
			const tenant = await stage.tenant("one");
			const [endpointId = ""] = await registerEndpoints(stage, tenant, 1);
			let status = 503;
			const acceptedAt: number[] = [];
			service.receivers.script = () => ({ afterMs: SECOND / 10, status });
			service.receivers.onPost(() => {
				if (status === 200) acceptedAt.push(world.now);
			});
			await stage.store([tenant], 5);
			await stage.run(HOUR);
			// A probe has failed: the pause begins again.
			const before = work.posts.total;
			await stage.run(HOUR, () => work.posts.total > before);
			await stage.run(SECOND);
			status = 200;
			const path = `/v1/webhook_endpoints/${endpointId}/enable`;
			let code = 0;
			stage.simulation.http.ask({ method: "POST", path, key: tenant.key }, (answer) => {
				code = answer?.code ?? 0;
			});
			await stage.run(SECOND);
			stage.expect("status of the response", code, { atLeast: 200, atMost: 200 });
			const since = world.now;
			await stage.store([tenant], 1);
			await stage.run(HOUR, () => acceptedAt.length > 0);
			stage.expect("seconds until an event arrived", ((acceptedAt[0] ?? world.now) - since) / SECOND, { atMost: 60 });
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
	{
		name: "two-paths-of-one-host",
		promise:
			"a receiver that always fails neither delays another one of its host, nor is kept in use by that one's successes",
		async play(stage) {
			const { world, service } = stage;
			const tenant = await stage.tenant("one");
			const posts = { dead: 0, alive: 0 };
			const waits: number[] = [];
			let storedAt = 0;
			service.receivers.script = ({ url }) => {
				const isDead = url.includes("/dead/");
				posts[isDead ? "dead" : "alive"] += 1;
				if (!isDead) waits.push(world.now - storedAt);
				return { afterMs: SECOND / 10, status: isDead ? 500 : 200 };
			};
			const [dead, alive] = [await webhookAt(stage, tenant, "dead"), await webhookAt(stage, tenant, "alive")];
			for (let minute = 0; minute < 60; minute++) {
				await stage.storeEnded(tenant, 2, { webhook: dead });
				await stage.run(MINUTE / 2);
				storedAt = world.now;
				await stage.storeEnded(tenant, 1, { webhook: alive });
				await stage.run(MINUTE / 2);
			}
			stage.expect("of 60 events, arrived at the path that works", posts.alive, { atLeast: 60 });
			stage.expect("the longest of them took, s", Math.max(...waits) / SECOND, { atMost: 5 });
			stage.expect("posts to the path that fails, of 120 events in an hour", posts.dead, { atMost: 20 });
		},
	},
	{
		name: "request-cannon",
		promise: "no host gets more than 5 webhooks of a tenant at once, or 10 a second, however many endpoints are there",
		options: { batchMin: 10, batchMax: 10 },
		async play(stage) {
			const { world, service, simulation } = stage;
			service.shareOfOneIsolate = 1;
			const tenant = await stage.tenant("one");
			await registerEndpoints(stage, tenant, 19);
			let [sending, most] = [0, 0];
			const sentAt: number[] = [];
			service.receivers.script = () => {
				sentAt.push(world.now);
				most = Math.max(most, ++sending);
				world.after(SECOND / 5, () => (sending -= 1));
				return { afterMs: SECOND / 5, status: 200 };
			};
			const jobs = await stage.storeEnded(tenant, 20, {});
			await stage.run(2 * MINUTE);
			const first = stage.deliveriesOf(tenant).filter(({ status }) => status === "delivered").length;
			for (const id of jobs)
				simulation.http.ask({ method: "POST", path: `/v1/jobs/${id}/redeliver`, key: tenant.key }, () => undefined);
			await stage.run(2 * MINUTE);
			const rows = stage.deliveriesOf(tenant);
			stage.expect("of 380 webhooks, arrived within two minutes", first, { atLeast: 380 });
			stage.expect("and again", rows.filter(({ status }) => status === "delivered").length, { atLeast: 380 });
			stage.expect("at once, at most", most, { atMost: 5 });
			stage.expect("within any ten seconds, at most", mostWithin(sentAt, 10 * SECOND), { atMost: 110 });
			stage.expect(
				"attempts that a delivery made for one request, at most",
				Math.max(...rows.map((row) => Number(row.attempts_made))),
				{ atMost: 2 },
			);
			stage.expect("messages of a delivery for each, at most", stage.work.messages.max / 2, { atMost: 10 });
		},
	},
];
