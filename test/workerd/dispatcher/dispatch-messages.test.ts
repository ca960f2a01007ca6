import { env, exports } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { viewJob } from "../../../shared/api/job.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { openSlowReceiverBreaker } from "../../../shared/db/deliveries/receiver-breakers.ts";
import { ACK } from "../../../shared/queues/dispositions.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import {
	A_SECRET,
	aDelivery,
	aJob,
	aTenant,
	DAY,
	HOUR,
	MINUTE,
	reloadDelivery,
	SECOND,
	type StoredDelivery,
	type StoredJob,
} from "../support/a-job.ts";
import { handToQueue } from "../support/queue-handler.ts";
import { signersOf } from "../support/signers.ts";
import { hangs, RECEIVER, type Reply, status } from "../world/upstreams.ts";
import { World } from "../world/world.ts";

const TEN_ATTEMPTS = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((s) => s * SECOND);

/** A world whose receivers give these replies, one a webhook; the last repeats. */
function aReceiver(...replies: Reply[]) {
	const world = new World({ config: { deliveryScheduleMs: TEN_ATTEMPTS }, replies });
	return { world, received: world.received, upstreams: world.upstreams };
}

/** A world at the real time, which links and the signing library compare with. */
const aWorldNow = () => new World({ startAt: Date.now() });

async function aStoredDelivery(
	overrides: { job?: Partial<StoredJob>; delivery?: Partial<StoredDelivery>; result?: string; secret?: string } = {},
) {
	const { result = '{"object":"chat.completion","choices":[]}' } = overrides;
	const tenant = await aTenant({ secret: overrides.secret ?? A_SECRET });
	const job = await aJob({
		tenantId: tenant.tenantId,
		status: "succeeded",
		resultBytes: result.length,
		...overrides.job,
	});
	await env.RESULTS.put(resultKey(job), result);
	const delivery = await aDelivery(job, { url: RECEIVER, ...overrides.delivery });
	return { tenant, job, delivery };
}

/** One delivery that is dispatched once, and what became of it. */
async function dispatched(replies: Reply[], what: Parameters<typeof aStoredDelivery>[0] = {}) {
	const { world, received } = aReceiver(...replies);
	const stored = await aStoredDelivery(what);
	const disposition = await world.start().dispatch(stored.delivery);
	return { world, received, ...stored, disposition, after: await reloadDelivery(stored.delivery) };
}

const AFTER_FAULT = expect.toSatisfy((s) => s >= 30 && s <= 60);

describe("a delivery", () => {
	it("is signed to the letter of Standard Webhooks, and its data is what a poll shows", async () => {
		const { world, received, job, delivery, disposition, after } = await dispatched([status(204)]);
		expect(disposition).toEqual(ACK);
		const [post] = received;
		if (post === undefined) throw new Error("nothing came");
		expect(signersOf(post, [A_SECRET])).toEqual([0]);
		expect(Number(post.headers["webhook-timestamp"])).toBe(Math.floor(world.runtime.now() / 1000));
		expect(post).toMatchObject({ url: delivery.url, init: { method: "POST", redirect: "manual" } });
		expect(post.headers).toMatchObject({ "webhook-id": delivery.eventId, "content-type": "application/json" });
		const event: Record<string, unknown> = JSON.parse(post.body);
		expect(event).toMatchObject({
			id: delivery.eventId,
			object: "event",
			type: "job.succeeded",
			created_at: Math.floor((job.finishedAt ?? 0) / 1000),
			timestamp: new Date(job.finishedAt ?? 0).toISOString(),
		});
		expect(event.data).toEqual({
			...viewJob(job, job.origin),
			result_url: expect.stringContaining("signature="),
			result: { object: "chat.completion", choices: [] },
		});
		expect(after).toMatchObject({
			status: "delivered",
			attemptsMade: 1,
			attempts: [{ status: 204, error: null, response: null }],
		});
	});

	it("is accepted by the library itself, and any changed byte is refused", async () => {
		const world = aWorldNow();
		const { delivery } = await aStoredDelivery({ result: '{"text":"ünï 🦀 \\u0000"}' });
		await world.start().dispatch(delivery);
		const [post] = world.received;
		if (post === undefined) throw new Error("nothing came");
		const receiver = new Webhook(A_SECRET);
		expect(receiver.verify(post.body, post.headers)).toMatchObject({ id: delivery.eventId });
		expect(() => receiver.verify(`${post.body} `, post.headers)).toThrow();
		expect(() =>
			new Webhook("whsec_b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC0xMjM=").verify(post.body, post.headers),
		).toThrow();
	});

	it("inlines a result of up to 16,384 bytes, and gives a link that works without a key either way", async () => {
		for (const bytes of [16_384, 16_385]) {
			const world = aWorldNow();
			const result = JSON.stringify({ text: "x".repeat(bytes - 11) });
			const { delivery } = await aStoredDelivery({ result });
			await world.start().dispatch(delivery);
			const { data }: { data: { result: unknown; result_url: string } } = JSON.parse(world.received[0]?.body ?? "");
			expect(data.result).toEqual(bytes === 16_384 ? JSON.parse(result) : null);
			const response = await exports.default.fetch(data.result_url);
			expect(response.status).toBe(200);
			expect(await response.text()).toBe(result);
			expect((await exports.default.fetch(data.result_url.replace("signature=", "signature=0"))).status).toBe(401);
		}
	});

	it("says nothing but id, object and status when it is thin", async () => {
		const { received, job } = await dispatched([status(200)], { delivery: { payload: "thin" } });
		expect(received[0]?.data).toEqual({ id: job.jobId, object: "job", status: "succeeded" });
	});

	it("of a job without a result has none, and no link", async () => {
		const { received, job } = await dispatched([status(200)], { job: { status: "failed", resultBytes: null } });
		expect(received[0]?.data).toEqual({ ...viewJob(job, job.origin), result: null });
	});

	it("is signed with the secret before the last rotation, too, for as long as that is kept", async () => {
		const { world, received } = aReceiver(status(500));
		const { tenant, delivery } = await aStoredDelivery();
		const previous = "whsec_cHJldmlvdXMtc2VjcmV0LXByZXZpb3VzLXNlY3JldC0x";
		await env.DB.prepare(
			"UPDATE tenants SET previous_webhook_secret = ?2, previous_webhook_secret_until = ?3 WHERE id = ?1",
		)
			.bind(
				tenant.tenantId,
				await seal(world.runtime, env.SIGNING_KEY, tenant.tenantId, previous),
				world.runtime.now() + MINUTE,
			)
			.run();
		await world.start().dispatch(delivery);
		await world.advance(HOUR);
		await world.start().dispatch(delivery);
		expect(received.map((post) => signersOf(post, [A_SECRET, previous]))).toEqual([[0, 1], [0]]);
	});
});

describe("the schedule", () => {
	it("is kept within 20 %, under one webhook-id, and ends exhausted", async () => {
		const { world, received } = aReceiver(status(500));
		const { delivery } = await aStoredDelivery();
		for (let attempt = 1; attempt <= 10; attempt++) {
			const disposition = await world.start().dispatch(delivery);
			const after = await reloadDelivery(delivery);
			const step = TEN_ATTEMPTS[attempt] ?? 0;
			if (attempt === 10) {
				expect(disposition).toEqual(ACK);
				expect(after).toMatchObject({ status: "exhausted", attemptsMade: 10, nextAttemptAt: null });
				break;
			}
			const waitMs = (after?.nextAttemptAt ?? 0) - world.runtime.now();
			expect(waitMs).toBeGreaterThanOrEqual(0.8 * step);
			expect(waitMs).toBeLessThanOrEqual(1.2 * step + 1);
			// A short wait is the queue's. For a long one it is parked: its receiver fails.
			const isShort = waitMs <= 15 * MINUTE;
			expect(disposition).toEqual(isShort ? { kind: "retry", delaySeconds: Math.ceil(waitMs / 1000) } : ACK);
			expect(after?.sweepAt).toBe(isShort ? (after?.nextAttemptAt ?? 0) + MINUTE : delivery.createdAt + 5 * DAY);
			await world.advance(waitMs);
		}
		expect(received).toHaveLength(10);
		expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
		expect(new Set(received.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(10);
	});

	it.each([
		{ after: "1", from: 5, to: 6 },
		{ after: "8", from: 8, to: 8 },
		{ after: "99999999", from: 10, to: 10 },
		{ after: "-1", from: 4, to: 6 },
		{ after: "soon", from: 4, to: 6 },
		{ after: "Thu, 01 Jan 2026 00:00:00 GMT", from: 4, to: 6 },
	])("waits $from to $to s where retry-after is $after and the step is 5 s", async ({ after, from, to }) => {
		const { world, delivery } = await dispatched([status(503, { "retry-after": after })]);
		const waitMs = ((await reloadDelivery(delivery))?.nextAttemptAt ?? 0) - world.runtime.now();
		expect(waitMs).toBeGreaterThanOrEqual(from * SECOND);
		expect(waitMs).toBeLessThanOrEqual(to * SECOND + 1);
	});

	it("brings a message that is early back when its delivery is due, if that is soon", async () => {
		const { world, received } = aReceiver(status(200));
		const at = world.runtime.now();
		const soon = await aStoredDelivery({ delivery: { nextAttemptAt: at + 90 * SECOND } });
		const far = await aStoredDelivery({ delivery: { nextAttemptAt: at + HOUR } });
		expect(await world.start().dispatch(soon.delivery)).toEqual({ kind: "retry", delaySeconds: 90 });
		expect(await world.start().dispatch(far.delivery)).toEqual(ACK);
		expect(received).toHaveLength(0);
	});
});

describe("a reply", () => {
	it.each([200, 201, 204, 299])("%i is success", async (code) => {
		const { after } = await dispatched([status(code)]);
		expect(after).toMatchObject({ status: "delivered", attempts: [{ status: code }] });
	});

	it.each([301, 302, 303, 304, 307, 308, 400, 404, 429, 500, 530])("%i is a failure", async (code) => {
		const location: Record<string, string> = code < 400 && code !== 304 ? { location: "https://elsewhere.test/" } : {};
		const { received, delivery, after } = await dispatched([
			() => new Response(null, { status: code, headers: location }),
		]);
		expect(after).toMatchObject({
			status: "pending",
			attemptsMade: 1,
			attempts: [{ status: code, error: expect.stringContaining(String(code)) }],
		});
		expect(received.map(({ url }) => url)).toEqual([delivery.url]);
	});

	it("410 exhausts the delivery at once", async () => {
		const { disposition, after } = await dispatched([status(410)]);
		expect(disposition).toEqual(ACK);
		expect(after).toMatchObject({ status: "exhausted", attemptsMade: 1 });
	});

	it("that never comes is a failure after 20 s", async () => {
		const { world, after } = await dispatched([hangs]);
		expect(world.runtime.now() - world.startedAt).toBe(20 * SECOND);
		expect(after).toMatchObject({
			status: "pending",
			attempts: [{ status: null, durationMs: 20 * SECOND, error: "No reply within 20 s" }],
		});
		expect(world.runtime.pendingTimers()).toBe(0);
	});

	it("within 20 s is a reply, however late", async () => {
		const { world, upstreams } = aReceiver();
		upstreams.replies = [upstreams.after(19.9 * SECOND, status(200))];
		const { delivery } = await aStoredDelivery();
		await world.start().dispatch(delivery);
		expect(await reloadDelivery(delivery)).toMatchObject({
			status: "delivered",
			attempts: [{ status: 200, durationMs: 19.9 * SECOND }],
		});
	});

	it("that cannot come, for the connection is refused, is a failure", async () => {
		const { after } = await dispatched([() => Promise.reject(new TypeError("connection refused"))]);
		expect(after).toMatchObject({ status: "pending", attempts: [{ error: "Could not connect: connection refused" }] });
	});

	it("with an endless body is read to its first KiB, and then cancelled", async () => {
		let isCancelled = false;
		let pulls = 0;
		const body = new ReadableStream<Uint8Array>({
			pull(controller) {
				pulls += 1;
				controller.enqueue(new TextEncoder().encode("é".repeat(50)));
			},
			cancel() {
				isCancelled = true;
			},
		});
		const { after } = await dispatched([() => new Response(body)]);
		expect(after).toMatchObject({ status: "delivered", attempts: [{ response: "é".repeat(512) }] });
		expect(isCancelled).toBe(true);
		expect(pulls).toBeLessThan(20);
	});

	it("whose body stops halfway takes 20 s at most, and what came of it is kept", async () => {
		const { world } = aReceiver(() => {
			const start = (body: ReadableStreamDefaultController) => body.enqueue(new TextEncoder().encode("so far"));
			return new Response(new ReadableStream<Uint8Array>({ start }), { status: 500 });
		});
		const { delivery } = await aStoredDelivery();
		const startedAt = world.runtime.now();
		await world.start().dispatch(delivery);
		expect(world.runtime.now() - startedAt).toBe(20 * SECOND);
		expect(await reloadDelivery(delivery)).toMatchObject({ attempts: [{ status: 500, response: "so far" }] });
	});

	it("of bytes that are no text is kept as what can be shown", async () => {
		const { after } = await dispatched([() => new Response(new Uint8Array([0xff, 0x00, 0x3c]), { status: 500 })]);
		expect(after).toMatchObject({ attempts: [{ response: "\ufffd\u0000<" }] });
	});
});

describe("the record of an attempt", () => {
	it("is written once for each number when two dispatchers send at once, under one webhook-id", async () => {
		const { world, received, upstreams } = aReceiver();
		upstreams.replies = [upstreams.after(SECOND, status(500)), status(200)];
		const { delivery } = await aStoredDelivery();
		await Promise.all([world.start().dispatch(delivery), world.start().dispatch(delivery)]);
		expect(received).toHaveLength(2);
		expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
		expect(await reloadDelivery(delivery)).toMatchObject({
			status: "delivered",
			attemptsMade: 1,
			attempts: [{ status: 200 }],
		});
	});

	it("counts two failures at once as one attempt: the schedule does not run ahead", async () => {
		const { world, received } = aReceiver(status(500));
		const { delivery } = await aStoredDelivery();
		await Promise.all([world.start().dispatch(delivery), world.start().dispatch(delivery)]);
		expect(received).toHaveLength(2);
		const after = await reloadDelivery(delivery);
		expect(after).toMatchObject({ status: "pending", attemptsMade: 1, attempts: [{ status: 500 }] });
		expect(after?.attempts).toHaveLength(1);
	});

	it.each([
		{ how: "fails", fault: "fails before" },
		{ how: "succeeds without a reply", fault: "fails after" },
	] as const)("that $how is written again, not sent again", async ({ fault }) => {
		const { world, received } = aReceiver(status(200));
		const { delivery } = await aStoredDelivery();
		const process = world.start().on(/d1 record deliveries/, fault);
		expect(await process.dispatch(delivery)).toEqual(ACK);
		expect(received).toHaveLength(1);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "delivered", attemptsMade: 1, attempts: [{}] });
	});

	it("that D1 never takes brings the message back: two webhooks are better than none", async () => {
		const { world, received } = aReceiver(status(200));
		const { delivery } = await aStoredDelivery();
		const process = world.start().on(/d1 record deliveries/, "fails before", 100);
		expect(await process.dispatch(delivery)).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(await world.start().dispatch(delivery)).toEqual(ACK);
		expect(received.map(({ headers }) => headers["webhook-id"])).toEqual([delivery.eventId, delivery.eventId]);
	});
});

describe("what is not sent", () => {
	it("is the delivery of an erased job, or one that is settled, or unknown: its message is acked", async () => {
		const { world, received } = aReceiver(status(200));
		const settled = { status: "skipped", nextAttemptAt: null, sweepAt: null, finishedAt: 1 } as const;
		const { job, delivery } = await aStoredDelivery({ delivery: settled });
		await env.DB.prepare("DELETE FROM jobs WHERE id = ?1").bind(job.jobId).run();
		const unknown = { tenantId: delivery.tenantId, deliveryId: "dlv_unknown" };
		const foreign = { tenantId: "ten_another", deliveryId: (await aStoredDelivery()).delivery.deliveryId };
		for (const key of [delivery, unknown, foreign]) expect(await world.start().dispatch(key)).toEqual(ACK);
		expect(received).toHaveLength(0);
	});

	it("is one whose address is not allowed: that is recorded as a failed attempt", async () => {
		const { received, after } = await dispatched([status(200)], { delivery: { url: "https://10.0.0.1/hook" } });
		expect(received).toHaveLength(0);
		expect(after).toMatchObject({
			status: "pending",
			attempts: [{ status: null, error: expect.stringContaining("Not sent") }],
		});
	});

	it("is one whose secret does not open: its neighbours are sent, and it is tried again by the schedule", async () => {
		const { world, received } = aReceiver(status(200));
		const [sealed, fine] = [await aStoredDelivery(), await aStoredDelivery()];
		await env.DB.prepare("UPDATE tenants SET webhook_secret = ?2 WHERE id = ?1")
			.bind(
				sealed.tenant.tenantId,
				await seal(world.runtime, "another key, long gone, of 32 characters", "x", A_SECRET),
			)
			.run();
		const disposition = await world.start().dispatch(sealed.delivery, fine.delivery);
		expect(disposition).toMatchObject({ kind: "retry", delaySeconds: expect.toSatisfy((s) => s >= 4 && s <= 6) });
		expect(received).toHaveLength(1);
		expect(await reloadDelivery(sealed.delivery)).toMatchObject({ attempts: [{ status: null }] });
		expect(await reloadDelivery(fine.delivery)).toMatchObject({ status: "delivered" });
	});

	it("carries a result that its isolate has just stored without a call to R2, and reads R2 when it is sent again", async () => {
		const { world, received } = aReceiver(status(500), status(200));
		const { job, delivery } = await aStoredDelivery({ result: '{"object":"chat.completion","id":"stored"}' });
		const process = world.start();
		process.dispatcher.freshResults.keep(job, '{"object":"chat.completion","id":"fresh"}', 40);
		await process.dispatch(delivery);
		expect(world.calls).not.toContainEqual(expect.stringMatching(/^r2/));
		await world.advance(10 * SECOND);
		await process.dispatch(delivery);
		expect(received.map(({ body }) => JSON.parse(body).data.result.id)).toEqual(["fresh", "stored"]);
	});

	it("is one whose result R2 does not give: a late webhook is better than one without it", async () => {
		const { world, received } = aReceiver(status(200));
		const { delivery } = await aStoredDelivery();
		const process = world.start().on(/r2 get/, "fails before");
		expect(await process.dispatch(delivery)).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(received).toHaveLength(0);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "pending", attemptsMade: 0 });
	});
});

describe("a batch of delivery messages", () => {
	it("is delivered, though a row among it cannot be read", async () => {
		const { world } = aReceiver(status(200));
		const [broken, sound] = [await aStoredDelivery(), await aStoredDelivery()];
		await env.DB.prepare("UPDATE deliveries SET attempts = '[{}]' WHERE tenant_id = ?1")
			.bind(broken.tenant.tenantId)
			.run();
		const disposition = await world.start().dispatch(broken.delivery, sound.delivery);
		expect(disposition).toEqual({ kind: "retry", delaySeconds: AFTER_FAULT });
		expect(await reloadDelivery(sound.delivery)).toMatchObject({ status: "delivered" });
	});

	it("is disposed of one by one, and loses nothing to messages that are unreadable, unknown or repeated", async () => {
		const at = Date.now();
		const early = await aStoredDelivery({ delivery: { createdAt: at, nextAttemptAt: at + MINUTE } });
		const message = { tenantId: early.delivery.tenantId, deliveryId: early.delivery.deliveryId };
		const bodies = [{ deliveryId: 1 }, { ...message, deliveryId: "dlv_unknown" }, message, message];
		const disposed = await handToQueue("holdfast-deliveries", bodies);
		expect(disposed.acked).toEqual(["0", "1"]);
		const inTime = expect.toSatisfy((s) => s >= 55 && s <= 60);
		expect(disposed.retried).toEqual(["2", "3"].map((msgId) => ({ msgId, delaySeconds: inTime })));
	});

	it("has each recorded as soon as it is known, and waits two seconds for the slowest, which goes on without it", async () => {
		const { world } = aReceiver(hangs, status(200));
		const startedAt = world.runtime.now();
		const [slow, quick] = [await aStoredDelivery(), await aStoredDelivery()];
		const process = world.start();
		const { dispositions, over } = process.dispatching(slow.delivery, quick.delivery);
		await world.until(over);
		expect(world.runtime.now()).toBe(startedAt + 2 * SECOND);
		expect(dispositions).toEqual({ [slow.delivery.deliveryId]: ACK, [quick.delivery.deliveryId]: ACK });
		expect(await reloadDelivery(quick.delivery)).toMatchObject({ status: "delivered", finishedAt: startedAt });
		expect(await reloadDelivery(slow.delivery)).toMatchObject({ status: "pending", attemptsMade: 0 });

		await world.until(Promise.all(process.background));
		expect(world.runtime.now()).toBe(startedAt + 20 * SECOND);
		expect(await reloadDelivery(slow.delivery)).toMatchObject({ status: "pending", attemptsMade: 1 });
		expect(world.calls.at(-1)).toMatch(/^queue send deliveries in [456] s$/);
		expect(world.deliveries.take()).toMatchObject([{ deliveryId: slow.delivery.deliveryId }]);
	});

	it("enqueues nothing where a slow receiver takes it after all", async () => {
		const { world, received, upstreams } = aReceiver();
		upstreams.replies = [upstreams.after(10 * SECOND, status(204))];
		const { delivery } = await aStoredDelivery();
		expect(await world.start().dispatch(delivery)).toEqual(ACK);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "delivered", attemptsMade: 1 });
		expect(world.deliveries.take()).toEqual([]);
		expect(received).toHaveLength(1);
	});

	it("sends a receiver nothing else while it keeps a webhook waiting", async () => {
		const { world, received, upstreams } = aReceiver();
		upstreams.replies = [upstreams.after(10 * SECOND, status(204)), status(204)];
		const { job, delivery } = await aStoredDelivery();
		const other = await aDelivery(job, { deliveryId: `${delivery.deliveryId}_2`, url: RECEIVER });
		const process = world.start();
		await world.until(process.dispatching(delivery).over);
		await world.advance(SECOND);
		expect(await world.start().dispatch(other)).toEqual(ACK);
		expect(received).toHaveLength(1);

		await world.until(Promise.all(process.background));
		expect(world.deliveries.take()).toEqual([{ tenantId: other.tenantId, deliveryId: other.deliveryId }]);
		expect(await world.start().dispatch(other)).toEqual(ACK);
		expect(received).toHaveLength(2);
		expect(await reloadDelivery(other)).toMatchObject({ status: "delivered" });
	});

	it("gates nothing for a reply that came meanwhile", async () => {
		const { world } = aReceiver(status(204));
		const { delivery } = await aStoredDelivery();
		await world.start().dispatch(delivery);
		const db = world.start().dispatcher.db;
		await openSlowReceiverBreaker(db, {
			tenantId: delivery.tenantId,
			deliveryId: delivery.deliveryId,
			attemptsMade: 0,
		});
		expect(
			await db.all("test", {
				sql: "SELECT * FROM receiver_breakers WHERE key LIKE ?1",
				params: [`receiver:${delivery.tenantId}%`],
			}),
		).toEqual([]);
	});

	it("loses nothing with an invocation that dies while a slow receiver has not replied: the sweeper redispatches", async () => {
		const { world, received } = aReceiver(hangs, status(200));
		const { delivery } = await aStoredDelivery();
		const process = world.start();
		await world.until(process.dispatching(delivery).over);
		process.kill();
		await world.sweep(MINUTE);
		expect(world.deliveries.take()).toContainEqual(expect.objectContaining({ deliveryId: delivery.deliveryId }));
		expect(await world.start().dispatch(delivery)).toEqual(ACK);
		expect(received.map(({ headers }) => headers["webhook-id"])).toEqual([delivery.eventId, delivery.eventId]);
	});

	it("comes back whole where D1 fails", async () => {
		const { world } = aReceiver(status(200));
		const { delivery } = await aStoredDelivery({ job: { createdAt: world.runtime.now() - DAY } });
		expect(await world.start().on(/^d1/, "fails before", 2).dispatch(delivery)).toEqual({
			kind: "retry",
			delaySeconds: AFTER_FAULT,
		});
	});
});
