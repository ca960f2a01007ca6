/**
 * What a plain job with one webhook costs from the request to the receiver's 200, counted at the bindings of the real
 * Worker, entered by its own handlers. A failing test prints which actor spent it.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import worker from "../../../workers/index.ts";
import { BUDGET } from "../../bench/budget.ts";
import { countedWorker } from "../../bench/counted-worker.ts";
import { countFetches, ledger } from "../../bench/counting.ts";
import { between, type Ledger, perJob, queueOps, type Spent, totalOf } from "../../bench/ledger.ts";
import { standIn } from "../support/watched-d1.ts";

const RECEIVER = "https://hooks.acme-receiver.com/jobs";
const Made = z.object({ id: z.string() });

const counted = countedWorker<Env>(worker);
const waiting: Record<string, unknown[]> = { "holdfast-jobs": [], "holdfast-deliveries": [] };
const bindings: Env = {
	...env,
	JOB_QUEUE: queueNamed("holdfast-jobs", env.JOB_QUEUE),
	DELIVERY_QUEUE: queueNamed("holdfast-deliveries", env.DELIVERY_QUEUE),
};
const { fetch: realFetch } = globalThis;
let received = 0;
let key = "";

beforeAll(async () => {
	// Only the receiver is replaced.
	globalThis.fetch = async (input, init) => {
		if (new Request(input, init).url !== RECEIVER) throw new TypeError("only the receiver is here");
		received += 1;
		return new Response("thanks");
	};
	countFetches();
	const { id } = Made.parse(
		await call("POST", "/v1/admin/tenants", { name: "acme", limits: { running_jobs: 100 } }, env.ADMIN_TOKEN),
	);
	const made = await call("POST", `/v1/admin/tenants/${id}/keys`, { name: "k" }, env.ADMIN_TOKEN);
	key = z.object({ key: z.string() }).parse(made).key;
	// So that the key is in the cache.
	await call("GET", "/v1/jobs");
});

afterAll(() => {
	globalThis.fetch = realFetch;
});

describe("a plain job with one webhook", () => {
	it("costs no more than its budget when it comes alone", async () => {
		const spent = await costOf(1);
		const total = totalOf(spent);
		expect(total.rowsWritten, accountOf(spent)).toBeLessThanOrEqual(BUDGET.rowsWrittenAlone);
		expect(queueOps(total), accountOf(spent)).toBeLessThanOrEqual(BUDGET.queueOps);
		expect(total.r2ClassA, accountOf(spent)).toBeLessThanOrEqual(BUDGET.r2ClassA);
	});

	it("writes 10 rows from submission to the receiver's 200: on submission, lease, end and record of the delivery", async () => {
		expect(rowsWrittenBy(await costOf(1))).toEqual({ intake: [3], consumer: [1, 5], dispatcher: [0, 1] });
	});

	it("writes 2 more with an idempotency key", async () => {
		const { intake } = rowsWrittenBy(await costOf(1, { "idempotency-key": "one" }));
		expect(intake).toEqual([5]);
	});

	it("costs no more than its budget on average when a hundred come at once", async () => {
		const spent = await costOf(100);
		const total = perJob(totalOf(spent), 100);
		expect(total.rowsWritten, accountOf(spent)).toBeLessThanOrEqual(BUDGET.rowsWrittenTogether);
		expect(queueOps(total), accountOf(spent)).toBeLessThanOrEqual(BUDGET.queueOps);
		expect(total.r2ClassA, accountOf(spent)).toBeLessThanOrEqual(BUDGET.r2ClassA);
	});

	it("sends its result without a read of R2 where one isolate stores and sends it", async () => {
		expect(totalOf(await costOf(1)).r2ClassB).toBe(0);
	});

	it("takes one round trip to D1 to be answered 202", async () => {
		const { intake } = await costOf(1);
		expect(intake?.spent.d1Calls, JSON.stringify(intake?.d1)).toBe(1);
	});
});

/** What `jobs` jobs spend that are submitted at once and then taken as whole batches. */
async function costOf(jobs: number, headers: Record<string, string> = {}): Promise<Ledger> {
	const before: Ledger = structuredClone(ledger);
	received = 0;
	const body = { input: { messages: [{ role: "user", content: "Why?" }] }, webhook: { url: RECEIVER } };
	await Promise.all(Array.from({ length: jobs }, () => call("POST", "/v1/jobs", body, key, headers)));
	await handOver("holdfast-jobs");
	await handOver("holdfast-deliveries");
	expect(received).toBeGreaterThanOrEqual(jobs);
	return between(before, ledger);
}

async function call(
	method: string,
	path: string,
	body?: object,
	bearer = key,
	headers: Record<string, string> = {},
): Promise<unknown> {
	const request = new Request(`https://jobs.test${path}`, {
		method,
		headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json", ...headers },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});
	const context = createExecutionContext();
	const answer = await counted.fetch(request, bindings, context);
	await waitOnExecutionContext(context);
	expect(answer.status, await answer.clone().text()).toBeLessThan(300);
	return await answer.json();
}

/** Everything that waits, in one batch, of which each message must be acked. */
async function handOver(queue: string): Promise<void> {
	const bodies = waiting[queue]?.splice(0) ?? [];
	const dispositions: string[] = [];
	const messages = bodies.map((body, at) => ({
		id: `${queue}-${at}`,
		body,
		attempts: 1,
		timestamp: new Date(),
		ack: () => void dispositions.push("ack"),
		retry: () => void dispositions.push("retry"),
	}));
	const whole = { ackAll: () => undefined, retryAll: () => undefined };
	const metadata = { metrics: { backlogCount: 0, backlogBytes: 0 } };
	await counted.queue({ queue, messages, metadata, ...whole }, bindings, createExecutionContext());
	expect(new Set(dispositions)).toEqual(new Set(["ack"]));
}

function queueNamed(name: string, queue: Queue): Queue {
	const answer = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
	return standIn(queue, {
		send: async (body: unknown) => {
			waiting[name]?.push(body);
			return answer;
		},
		sendBatch: async (messages: Iterable<MessageSendRequest>) => {
			waiting[name]?.push(...[...messages].map(({ body }) => body));
			return answer;
		},
	});
}

/** By actor, call after call. */
const rowsWrittenBy = (spent: Ledger): Record<string, number[]> =>
	Object.fromEntries(
		Object.entries(spent).map(([actor, { d1 }]) => [actor, Object.values(d1).map(({ rowsWritten }) => rowsWritten)]),
	);

/** Every count above zero, by actor. */
function accountOf(spent: Ledger): string {
	const words = (account: Spent) => Object.entries(account).filter(([, count]) => count > 0);
	return Object.entries(spent)
		.map(([actor, account]) => `${actor} spent ${JSON.stringify(Object.fromEntries(words(account.spent)))}`)
		.join("\n");
}
