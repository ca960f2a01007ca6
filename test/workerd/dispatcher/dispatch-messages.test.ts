import { env, exports } from "cloudflare:workers";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { viewJob } from "../../../shared/api/job.ts";
import { seal } from "../../../shared/crypto/seal.ts";
import { openSlowReceiverBreaker } from "../../../shared/db/deliveries/receiver-breakers.ts";
import { ACK, type Disposition } from "../../../shared/queues/messages.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { dispatchMessages } from "../../../workers/dispatcher/dispatch-messages.ts";
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
import { failsAfter, failsBefore } from "../support/a-process.ts";
import { aWorld, takeBells } from "../support/a-world.ts";
import { dispatch, sweepOnce } from "../support/drive.ts";
import { handToQueue } from "../support/queue-door.ts";

const TEN_ATTEMPTS = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((s) => s * SECOND);

const RECEIVER = "https://hooks.acme-receiver.com/jobs";

interface Received {
	url: string;
	headers: Record<string, string>;
	body: string;
	init: RequestInit;
}

type Answer = (received: Received) => Response | Promise<Response>;

/** A world with a receiver that answers as told; the last answer goes on for ever. */
function aReceiver(...answers: [Answer, ...Answer[]]) {
	const received: Received[] = [];
	const world = aWorld({
		config: { deliveryScheduleMs: TEN_ATTEMPTS },
		async fetch(url, init) {
			const one = { url, headers: Object.fromEntries(new Headers(init.headers)), body: String(init.body), init };
			const answer = answers[Math.min(received.length, answers.length - 1)] ?? answers[0];
			received.push(one);
			return await answer(one);
		},
	});
	return { world, received };
}

const status =
	(code: number, headers: Record<string, string> = {}): Answer =>
	() =>
		new Response(code === 204 ? null : "noted", { status: code, headers });

const hangs: Answer = ({ init }) =>
	new Promise((_resolve, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));

async function anOwedDelivery(
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

describe("a delivery", () => {
	it("is signed to the letter of Standard Webhooks, and its data is what a poll shows", async () => {
		const { world, received } = aReceiver(status(204));
		const { job, delivery } = await anOwedDelivery();
		expect(await dispatch(world, world.start(), delivery)).toEqual(ACK);
		const [post] = received;
		if (post === undefined) throw new Error("nothing came");
		// The library holds the timestamp against the real clock, so its signature is what is compared.
		const at = new Date(Number(post.headers["webhook-timestamp"]) * 1000);
		expect(post.headers["webhook-signature"]).toBe(new Webhook(A_SECRET).sign(delivery.eventId, at, post.body));
		expect(at.getTime()).toBe(Math.floor(world.runtime.now() / 1000) * 1000);
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
		expect(await reloadDelivery(delivery)).toMatchObject({
			status: "delivered",
			attemptsMade: 1,
			attempts: [{ status: 204, error: null, response: null }],
		});
	});

	it("is accepted by the library itself, and any changed byte is refused", async () => {
		const received: { headers: Record<string, string>; body: string }[] = [];
		const world = aWorld({
			startAt: Date.now(),
			async fetch(_url, init) {
				received.push({ headers: Object.fromEntries(new Headers(init.headers)), body: String(init.body) });
				return new Response(null, { status: 204 });
			},
		});
		const { delivery } = await anOwedDelivery({ result: '{"text":"ünï 🦀 \\u0000"}' });
		await dispatch(world, world.start(), delivery);
		const [post] = received;
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
			const received: string[] = [];
			const world = aWorld({
				startAt: Date.now(),
				fetch: async (_url, init) => {
					received.push(String(init.body));
					return new Response();
				},
			});
			const result = JSON.stringify({ text: "x".repeat(bytes - 11) });
			const { delivery } = await anOwedDelivery({ result });
			await dispatch(world, world.start(), delivery);
			const { data }: { data: { result: unknown; result_url: string } } = JSON.parse(received[0] ?? "");
			expect(data.result).toEqual(bytes === 16_384 ? JSON.parse(result) : null);
			const answer = await exports.default.fetch(data.result_url);
			expect(answer.status).toBe(200);
			expect(await answer.text()).toBe(result);
			expect((await exports.default.fetch(data.result_url.replace("signature=", "signature=0"))).status).toBe(401);
		}
	});

	it("says nothing but id, object and status when it is thin", async () => {
		const { world, received } = aReceiver(status(200));
		const { job, delivery } = await anOwedDelivery({ delivery: { payload: "thin" } });
		await dispatch(world, world.start(), delivery);
		expect(JSON.parse(received[0]?.body ?? "").data).toEqual({ id: job.jobId, object: "job", status: "succeeded" });
	});

	it("of a job without a result has none, and no link", async () => {
		const { world, received } = aReceiver(status(200));
		const { job, delivery } = await anOwedDelivery({ job: { status: "failed", resultBytes: null } });
		await dispatch(world, world.start(), delivery);
		expect(JSON.parse(received[0]?.body ?? "").data).toEqual({ ...viewJob(job, job.origin), result: null });
	});

	it("is signed with the secret before the last rotation, too, for as long as that is kept", async () => {
		const { world, received } = aReceiver(status(500));
		const { tenant, delivery } = await anOwedDelivery();
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
		await dispatch(world, world.start(), delivery);
		await world.advance(HOUR);
		await dispatch(world, world.start(), delivery);
		const signed = received.map(({ headers, body }) => {
			const at = new Date(Number(headers["webhook-timestamp"]) * 1000);
			const by = (secret: string) => new Webhook(secret).sign(delivery.eventId, at, body);
			return headers["webhook-signature"]
				?.split(" ")
				.map((one) => [A_SECRET, previous].findIndex((s) => by(s) === one));
		});
		expect(signed).toEqual([[0, 1], [0]]);
	});
});

describe("the schedule", () => {
	it("is kept within 20 %, under one webhook-id, and ends exhausted", async () => {
		const { world, received } = aReceiver(status(500));
		const { delivery } = await anOwedDelivery();
		for (let attempt = 1; attempt <= 10; attempt++) {
			const told = await dispatch(world, world.start(), delivery);
			const after = await reloadDelivery(delivery);
			const step = TEN_ATTEMPTS[attempt] ?? 0;
			if (attempt === 10) {
				expect(told).toEqual(ACK);
				expect(after).toMatchObject({ status: "exhausted", attemptsMade: 10, nextAttemptAt: null });
				break;
			}
			const waitMs = (after?.nextAttemptAt ?? 0) - world.runtime.now();
			expect(waitMs).toBeGreaterThanOrEqual(0.8 * step);
			expect(waitMs).toBeLessThanOrEqual(1.2 * step + 1);
			// A short wait is the queue's, a long one the sweeper's.
			const isShort = waitMs <= 15 * MINUTE;
			expect(told).toEqual(isShort ? { kind: "retry", delaySeconds: Math.ceil(waitMs / 1000) } : ACK);
			expect((after?.sweepAt ?? 0) - (after?.nextAttemptAt ?? 0)).toBe(isShort ? MINUTE : 0);
			await world.advance(waitMs);
		}
		expect(received).toHaveLength(10);
		expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
		expect(new Set(received.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(10);
	});

	it.each([
		{ asked: "1", from: 5, to: 6 },
		{ asked: "8", from: 8, to: 8 },
		{ asked: "99999999", from: 10, to: 10 },
		{ asked: "-1", from: 4, to: 6 },
		{ asked: "soon", from: 4, to: 6 },
		{ asked: "Thu, 01 Jan 2026 00:00:00 GMT", from: 4, to: 6 },
	])("waits $from to $to s when asked for $asked where the step is 5 s", async ({ asked, from, to }) => {
		const { world } = aReceiver(status(503, { "retry-after": asked }));
		const { delivery } = await anOwedDelivery();
		await dispatch(world, world.start(), delivery);
		const waitMs = ((await reloadDelivery(delivery))?.nextAttemptAt ?? 0) - world.runtime.now();
		expect(waitMs).toBeGreaterThanOrEqual(from * SECOND);
		expect(waitMs).toBeLessThanOrEqual(to * SECOND + 1);
	});

	it("brings a message that is early back when its delivery is due, if that is soon", async () => {
		const { world, received } = aReceiver(status(200));
		const at = world.runtime.now();
		const soon = await anOwedDelivery({ delivery: { nextAttemptAt: at + 90 * SECOND } });
		const far = await anOwedDelivery({ delivery: { nextAttemptAt: at + HOUR } });
		expect(await dispatch(world, world.start(), soon.delivery)).toEqual({ kind: "retry", delaySeconds: 90 });
		expect(await dispatch(world, world.start(), far.delivery)).toEqual(ACK);
		expect(received).toHaveLength(0);
	});
});

describe("what a receiver may answer", () => {
	it.each([200, 201, 204, 299])("%i is success", async (code) => {
		const { world } = aReceiver(status(code));
		const { delivery } = await anOwedDelivery();
		await dispatch(world, world.start(), delivery);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "delivered", attempts: [{ status: code }] });
	});

	it.each([301, 302, 303, 304, 307, 308, 400, 404, 429, 500, 530])("%i is a failure", async (code) => {
		const location: Record<string, string> = code < 400 && code !== 304 ? { location: "https://elsewhere.test/" } : {};
		const { world, received } = aReceiver(() => new Response(null, { status: code, headers: location }));
		const { delivery } = await anOwedDelivery();
		await dispatch(world, world.start(), delivery);
		expect(await reloadDelivery(delivery)).toMatchObject({
			status: "pending",
			attemptsMade: 1,
			attempts: [{ status: code, error: expect.stringContaining(String(code)) }],
		});
		expect(received.map(({ url }) => url)).toEqual([delivery.url]);
	});

	it("410 exhausts the delivery at once", async () => {
		const { world } = aReceiver(status(410));
		const { delivery } = await anOwedDelivery();
		expect(await dispatch(world, world.start(), delivery)).toEqual(ACK);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "exhausted", attemptsMade: 1 });
	});

	it("nothing at all is a failure after 20 s", async () => {
		const { world } = aReceiver(
			({ init }) =>
				new Promise((_resolve, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted")))),
		);
		const { delivery } = await anOwedDelivery();
		const startedAt = world.runtime.now();
		await dispatch(world, world.start(), delivery);
		expect(world.runtime.now() - startedAt).toBe(20 * SECOND);
		expect(await reloadDelivery(delivery)).toMatchObject({
			status: "pending",
			attempts: [{ status: null, durationMs: 20 * SECOND, error: "No reply within 20 s" }],
		});
		expect(world.runtime.pendingTimers()).toBe(0);
	});

	it("an answer within 20 s is an answer, however late", async () => {
		const { world } = aReceiver(async () => {
			await world.runtime.sleep(19.9 * SECOND);
			return new Response(null, { status: 200 });
		});
		const { delivery } = await anOwedDelivery();
		await dispatch(world, world.start(), delivery);
		expect(await reloadDelivery(delivery)).toMatchObject({
			status: "delivered",
			attempts: [{ status: 200, durationMs: 19.9 * SECOND }],
		});
	});

	it("a refused connection is a failure", async () => {
		const { world } = aReceiver(() => Promise.reject(new TypeError("connection refused")));
		const { delivery } = await anOwedDelivery();
		await dispatch(world, world.start(), delivery);
		expect(await reloadDelivery(delivery)).toMatchObject({
			status: "pending",
			attempts: [{ error: "Could not connect: connection refused" }],
		});
	});

	it("an endless body is read to its first KiB and then given up", async () => {
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
		const { world } = aReceiver(() => new Response(body));
		const { delivery } = await anOwedDelivery();
		await dispatch(world, world.start(), delivery);
		const after = await reloadDelivery(delivery);
		expect(after).toMatchObject({ status: "delivered", attempts: [{ response: "é".repeat(512) }] });
		expect(isCancelled).toBe(true);
		expect(pulls).toBeLessThan(20);
	});

	it("a body that stops halfway holds nobody up for longer than 20 s, and what came of it is kept", async () => {
		const { world } = aReceiver(() => {
			return new Response(
				new ReadableStream<Uint8Array>({
					start: (controller) => controller.enqueue(new TextEncoder().encode("so far")),
				}),
				{ status: 500 },
			);
		});
		const { delivery } = await anOwedDelivery();
		const startedAt = world.runtime.now();
		await dispatch(world, world.start(), delivery);
		expect(world.runtime.now() - startedAt).toBe(20 * SECOND);
		expect(await reloadDelivery(delivery)).toMatchObject({ attempts: [{ status: 500, response: "so far" }] });
	});

	it("bytes that are no text are kept as what can be shown", async () => {
		const { world } = aReceiver(() => new Response(new Uint8Array([0xff, 0x00, 0x3c]), { status: 500 }));
		const { delivery } = await anOwedDelivery();
		await dispatch(world, world.start(), delivery);
		expect(await reloadDelivery(delivery)).toMatchObject({ attempts: [{ response: "\ufffd\u0000<" }] });
	});
});

describe("the record of an attempt", () => {
	it("is written once for each number when two dispatchers send at once, under one webhook-id", async () => {
		const { world, received } = aReceiver(async () => {
			await world.runtime.sleep(SECOND);
			return new Response("late", { status: 500 });
		}, status(200));
		const { delivery } = await anOwedDelivery();
		await Promise.all([dispatch(world, world.start(), delivery), dispatch(world, world.start(), delivery)]);
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
		const { delivery } = await anOwedDelivery();
		await Promise.all([dispatch(world, world.start(), delivery), dispatch(world, world.start(), delivery)]);
		expect(received).toHaveLength(2);
		const after = await reloadDelivery(delivery);
		expect(after).toMatchObject({ status: "pending", attemptsMade: 1, attempts: [{ status: 500 }] });
		expect(after?.attempts).toHaveLength(1);
	});

	it.each([
		{ how: "fails", fault: failsBefore },
		{ how: "succeeds unheard", fault: failsAfter },
	])("that $how is written again, not sent again", async ({ fault }) => {
		const { world, received } = aReceiver(status(200));
		const { delivery } = await anOwedDelivery();
		const process = world.start();
		process.on(/d1 record deliveries/, fault);
		expect(await dispatch(world, process, delivery)).toEqual(ACK);
		expect(received).toHaveLength(1);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "delivered", attemptsMade: 1, attempts: [{}] });
	});

	it("that D1 never takes brings the message back: told twice is better than never", async () => {
		const { world, received } = aReceiver(status(200));
		const { delivery } = await anOwedDelivery();
		const process = world.start();
		process.on(/d1 record deliveries/, failsBefore, 100);
		expect(await dispatch(world, process, delivery)).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(await dispatch(world, world.start(), delivery)).toEqual(ACK);
		expect(received.map(({ headers }) => headers["webhook-id"])).toEqual([delivery.eventId, delivery.eventId]);
	});
});

describe("what is not sent", () => {
	it("is the delivery of an erased job, or one that is settled, or unknown: its message is acked", async () => {
		const { world, received } = aReceiver(status(200));
		const settled = { status: "skipped", nextAttemptAt: null, sweepAt: null, finishedAt: 1 } as const;
		const { job, delivery } = await anOwedDelivery({ delivery: settled });
		await env.DB.prepare("DELETE FROM jobs WHERE id = ?1").bind(job.jobId).run();
		const unknown = { tenantId: delivery.tenantId, deliveryId: "dlv_unknown" };
		const foreign = { tenantId: "ten_somebody_else", deliveryId: (await anOwedDelivery()).delivery.deliveryId };
		for (const key of [delivery, unknown, foreign]) expect(await dispatch(world, world.start(), key)).toEqual(ACK);
		expect(received).toHaveLength(0);
	});

	it("is one whose address is allowed no more: that is recorded as a failed attempt", async () => {
		const { world, received } = aReceiver(status(200));
		const { delivery } = await anOwedDelivery({ delivery: { url: "https://10.0.0.1/hook" } });
		await dispatch(world, world.start(), delivery);
		expect(received).toHaveLength(0);
		expect(await reloadDelivery(delivery)).toMatchObject({
			status: "pending",
			attempts: [{ status: null, error: expect.stringContaining("Not sent") }],
		});
	});

	it("is one whose secret does not open: its neighbours are sent, and it is tried again by the schedule", async () => {
		const { world, received } = aReceiver(status(200));
		const [sealed, fine] = [await anOwedDelivery(), await anOwedDelivery()];
		await env.DB.prepare("UPDATE tenants SET webhook_secret = ?2 WHERE id = ?1")
			.bind(
				sealed.tenant.tenantId,
				await seal(world.runtime, "another key, long gone, of 32 characters", "x", A_SECRET),
			)
			.run();
		const told = await dispatch(world, world.start(), sealed.delivery, fine.delivery);
		expect(told).toMatchObject({ kind: "retry", delaySeconds: expect.toSatisfy((s) => s >= 4 && s <= 6) });
		expect(received).toHaveLength(1);
		expect(await reloadDelivery(sealed.delivery)).toMatchObject({ attempts: [{ status: null }] });
		expect(await reloadDelivery(fine.delivery)).toMatchObject({ status: "delivered" });
	});

	it("carries a result that its isolate has just stored without asking R2, and asks R2 when it is sent again", async () => {
		const { world, received } = aReceiver(status(500), status(200));
		const { job, delivery } = await anOwedDelivery({ result: '{"object":"chat.completion","id":"stored"}' });
		const process = world.start();
		process.dispatcher.freshResults.keep(job, '{"object":"chat.completion","id":"fresh"}', 40);
		await dispatch(world, process, delivery);
		expect(world.calls).not.toContainEqual(expect.stringMatching(/^r2/));
		await world.advance(10 * SECOND);
		await dispatch(world, process, delivery);
		expect(received.map(({ body }) => JSON.parse(body).data.result.id)).toEqual(["fresh", "stored"]);
	});

	it("is one whose result R2 does not give: told later is better than told without it", async () => {
		const { world, received } = aReceiver(status(200));
		const { delivery } = await anOwedDelivery();
		const process = world.start();
		process.on(/r2 get/, failsBefore);
		expect(await dispatch(world, process, delivery)).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(received).toHaveLength(0);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "pending", attemptsMade: 0 });
	});
});

describe("a batch of delivery messages", () => {
	it("is delivered, though a row among it cannot be read", async () => {
		const { world } = aReceiver(status(200));
		const [broken, sound] = [await anOwedDelivery(), await anOwedDelivery()];
		await env.DB.prepare("UPDATE deliveries SET attempts = '[{}]' WHERE tenant_id = ?1")
			.bind(broken.tenant.tenantId)
			.run();
		const told = await dispatch(world, world.start(), broken.delivery, sound.delivery);
		expect(told).toEqual({ kind: "retry", delaySeconds: 30 });
		expect(await reloadDelivery(sound.delivery)).toMatchObject({ status: "delivered" });
	});

	it("is told one by one, and loses nothing to messages that are unreadable, unknown or repeated", async () => {
		const at = Date.now();
		const early = await anOwedDelivery({ delivery: { createdAt: at, nextAttemptAt: at + MINUTE } });
		const bell = { tenantId: early.delivery.tenantId, deliveryId: early.delivery.deliveryId };
		const bodies = [{ deliveryId: 1 }, { ...bell, deliveryId: "dlv_unknown" }, bell, bell];
		const told = await handToQueue("holdfast-deliveries", bodies);
		expect(told.acked).toEqual(["0", "1"]);
		const inTime = expect.toSatisfy((s) => s >= 55 && s <= 60);
		expect(told.retried).toEqual(["2", "3"].map((msgId) => ({ msgId, delaySeconds: inTime })));
	});

	it("has each recorded as soon as it is known, and waits two seconds for the slowest, which goes on without it", async () => {
		const { world } = aReceiver(hangs, status(200));
		const startedAt = world.runtime.now();
		const [slow, quick] = [await anOwedDelivery(), await anOwedDelivery()];
		const process = world.start();
		const told: Record<string, Disposition> = {};
		const over = dispatchMessages(process.dispatcher, [slow.delivery, quick.delivery], (key, disposition) => {
			told[key.deliveryId] = disposition;
		});
		await world.ended(over);
		expect(world.runtime.now()).toBe(startedAt + 2 * SECOND);
		expect(told).toEqual({ [slow.delivery.deliveryId]: ACK, [quick.delivery.deliveryId]: ACK });
		expect(await reloadDelivery(quick.delivery)).toMatchObject({ status: "delivered", finishedAt: startedAt });
		expect(await reloadDelivery(slow.delivery)).toMatchObject({ status: "pending", attemptsMade: 0 });

		await world.ended(Promise.all(process.background));
		expect(world.runtime.now()).toBe(startedAt + 20 * SECOND);
		expect(await reloadDelivery(slow.delivery)).toMatchObject({ status: "pending", attemptsMade: 1 });
		expect(world.calls.at(-1)).toMatch(/^queue send deliveries in [456] s$/);
		expect(takeBells(world).deliveries).toMatchObject([{ deliveryId: slow.delivery.deliveryId }]);
	});

	it("leaves nobody to ring for where a slow receiver takes it after all", async () => {
		const { world, received } = aReceiver(async () => {
			await world.runtime.sleep(10 * SECOND);
			return new Response(null, { status: 204 });
		});
		const { delivery } = await anOwedDelivery();
		expect(await dispatch(world, world.start(), delivery)).toEqual(ACK);
		expect(await reloadDelivery(delivery)).toMatchObject({ status: "delivered", attemptsMade: 1 });
		expect(takeBells(world).deliveries).toEqual([]);
		expect(received).toHaveLength(1);
	});

	it("asks a receiver that keeps it waiting for nothing else, until that has answered", async () => {
		const { world, received } = aReceiver(async () => {
			await world.runtime.sleep(10 * SECOND);
			return new Response(null, { status: 204 });
		}, status(204));
		const { job, delivery } = await anOwedDelivery();
		const other = await aDelivery(job, { deliveryId: `${delivery.deliveryId}_2`, url: RECEIVER });
		const process = world.start();
		await world.ended(dispatchMessages(process.dispatcher, [delivery], () => undefined));
		await world.advance(SECOND);
		expect(await dispatch(world, world.start(), other)).toEqual(ACK);
		expect(received).toHaveLength(1);

		await world.ended(Promise.all(process.background));
		expect(takeBells(world).deliveries).toEqual([{ tenantId: other.tenantId, deliveryId: other.deliveryId }]);
		expect(await dispatch(world, world.start(), other)).toEqual(ACK);
		expect(received).toHaveLength(2);
		expect(await reloadDelivery(other)).toMatchObject({ status: "delivered" });
	});

	it("holds nobody back for an answer that came meanwhile", async () => {
		const { world } = aReceiver(status(204));
		const { delivery } = await anOwedDelivery();
		await dispatch(world, world.start(), delivery);
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

	it("loses nothing with an invocation that dies while a slow receiver is asked: the sweeper redispatches", async () => {
		const { world, received } = aReceiver(hangs, status(200));
		const { delivery } = await anOwedDelivery();
		const process = world.start();
		const over = dispatchMessages(process.dispatcher, [delivery], () => undefined);
		await world.ended(over);
		process.kill();
		await world.advance(MINUTE);
		await sweepOnce(world);
		expect(takeBells(world).deliveries).toContainEqual(expect.objectContaining({ deliveryId: delivery.deliveryId }));
		expect(await dispatch(world, world.start(), delivery)).toEqual(ACK);
		expect(received.map(({ headers }) => headers["webhook-id"])).toEqual([delivery.eventId, delivery.eventId]);
	});

	it("comes back whole where D1 does not answer", async () => {
		const { world } = aReceiver(status(200));
		const { delivery } = await anOwedDelivery({ job: { createdAt: world.runtime.now() - DAY } });
		const process = world.start();
		process.on(/^d1/, failsBefore, 2);
		expect(await dispatch(world, process, delivery)).toEqual({ kind: "retry", delaySeconds: 30 });
	});
});
