/** The client behind a proxy that drops every third response to a submission, after the service has committed it. */
import { expect, inject, it } from "vitest";
import { Holdfast, type Job } from "../../client/index.ts";
import { openFaultyProxy } from "./support/faulty-proxy.ts";

const JOBS = 200;
const AT_ONCE = 20;

it(`makes ${JOBS} jobs of ${JOBS} submissions, and of as many retries`, async () => {
	const { url, key } = inject("service");
	let responses = 0;
	let dropped = 0;
	const drop = () => {
		responses += 1;
		if (responses % 3 !== 0) return;
		dropped += 1;
		throw new Error("the connection is closed instead");
	};
	const proxy = await openFaultyProxy(url, { on: /^POST \/v1\/jobs/, response: drop });
	const clock = { now: () => Date.now(), random: () => Math.random(), sleep: async () => undefined };
	const holdfast = new Holdfast({ baseUrl: proxy.url, apiKey: key, clock });
	const direct = new Holdfast({ baseUrl: url, apiKey: key });
	try {
		const metadata = { lost: "responses" };
		const input = { messages: [] };
		const job = { model: "scripted/none", input, delay_seconds: 86_400, metadata };
		const submitted = await idsOf(() => holdfast.jobs.submit(job));
		expect(await listed(direct, { metadata })).toEqual(submitted);
		const [old = ""] = submitted;
		await direct.jobs.cancel(old);
		const retried = await idsOf(() => holdfast.jobs.retry(old, { delay_seconds: 86_400 }));
		expect(await listed(direct, { retryOf: old })).toEqual(retried);
		expect([submitted.length, retried.length]).toEqual([JOBS, JOBS]);
		expect(dropped).toBeGreaterThan(JOBS / 2);
	} finally {
		proxy.close();
	}
});

/** Of so many jobs, some at a time. */
async function idsOf(make: () => Promise<Job>): Promise<string[]> {
	const ids: string[] = [];
	while (ids.length < JOBS) ids.push(...(await Promise.all(Array.from({ length: AT_ONCE }, make))).map(({ id }) => id));
	return [...new Set(ids)].sort();
}

async function listed(holdfast: Holdfast, filters: object): Promise<string[]> {
	const ids = [];
	for await (const { id } of holdfast.jobs.list({ ...filters, limit: 100 })) ids.push(id);
	return ids.sort();
}
