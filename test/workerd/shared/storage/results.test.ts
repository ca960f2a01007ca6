import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Attempt } from "../../../../shared/core/jobs/attempts.ts";
import type { JobKey } from "../../../../shared/core/jobs/job.ts";
import { eraseObjects, listInputs } from "../../../../shared/storage/erase-objects.ts";
import { readInput, storeInput } from "../../../../shared/storage/inputs.ts";
import {
	inputKey,
	inputsOfDay,
	inputsOfRepeats,
	jobOfInputKey,
	keysOfJob,
	resultKey,
} from "../../../../shared/storage/keys.ts";
import { ObjectStore } from "../../../../shared/storage/object-store.ts";
import { findStoredResult, openResult, readResult, storeResult } from "../../../../shared/storage/results.ts";
import { inSlices } from "../../../../workers/local.ts";
import { runtime } from "../../../../workers/runtime.ts";
import { anAttempt, anId, DAY, HOUR, NOW, SUCCEEDED, USAGE } from "../../../support/job-of.ts";
import { standIn } from "../../support/watched-d1.ts";

const objects = new ObjectStore(env.RESULTS, runtime);

const bytesOf = (text: string) => new TextEncoder().encode(text);
const aKey = () => ({ tenantId: anId("ten"), jobId: anId("job") });

function anAnswer(fence: number, overrides: Partial<Attempt> = {}) {
	const its = { fence, model: "simulated/ключ", endedAt: NOW + 5, logId: "log_1", usage: USAGE };
	return { attempt: anAttempt(fence + 2, { ...SUCCEEDED, ...its, ...overrides }), modelAttempt: 2 };
}

describe("storeResult", () => {
	it("keeps the answer with all that the row needs of it", async () => {
		const job = aKey();
		const put = await storeResult(objects, job, bytesOf('{"a":1}'), anAnswer(1));
		expect(put).toEqual({ first: true, stored: { ...anAnswer(1), bytes: 7 } });
		expect(await findStoredResult(objects, job)).toEqual({ ...anAnswer(1), bytes: 7 });
		expect((await objects.head(resultKey(job)))?.httpMetadata?.contentType).toBe("application/json");
		expect(await readResult(objects, job)).toBe('{"a":1}');
	});

	it("keeps the first answer, and returns it to all that come later", async () => {
		const job = aKey();
		await storeResult(objects, job, bytesOf("first"), anAnswer(1));
		const late = await storeResult(objects, job, bytesOf("second, and longer"), anAnswer(2, { model: "other" }));
		expect(late).toEqual({ first: false, stored: { ...anAnswer(1), bytes: 5 } });
		expect(await readResult(objects, job)).toBe("first");
	});

	it("knows its own answer again when a put is repeated", async () => {
		const job = aKey();
		await storeResult(objects, job, bytesOf("first"), anAnswer(1));
		expect(await storeResult(objects, job, bytesOf("first"), anAnswer(1))).toMatchObject({ first: true });
	});

	it("lets one of ten who put at the same time be first, and shows the others whose it is", async () => {
		const job = aKey();
		const puts = await Promise.all(
			Array.from({ length: 10 }, (_, index) =>
				storeResult(objects, job, bytesOf(`answer ${index}`), anAnswer(index + 1)),
			),
		);
		expect(puts.filter(({ first }) => first)).toHaveLength(1);
		const winner = puts.findIndex(({ first }) => first) + 1;
		expect(new Set(puts.map(({ stored }) => stored.attempt?.fence))).toEqual(new Set([winner]));
		expect(await readResult(objects, job)).toBe(`answer ${winner - 1}`);
	});

	it.each([{}, { attempt: "{", modelAttempt: "1" }, { modelAttempt: "x", attempt: "{}" }])(
		"counts a result whose metadata cannot be read as one of unknown facts: %j",
		async (customMetadata) => {
			const job = aKey();
			await env.RESULTS.put(resultKey(job), "{}", { customMetadata });
			expect(await findStoredResult(objects, job)).toEqual({ attempt: null, modelAttempt: null, bytes: 2 });
		},
	);

	it("reads an entry of another version, with what it says", async () => {
		const job = aKey();
		const attempt = JSON.stringify({ fence: 3, model: "m", startedAt: "never", more: 1 });
		await env.RESULTS.put(resultKey(job), "{}", { customMetadata: { attempt, modelAttempt: "1" } });
		const read = await findStoredResult(objects, job);
		expect(read).toMatchObject({ attempt: { fence: 3, model: "m", startedAt: 0, usage: null }, modelAttempt: 1 });
	});

	it("finds nothing where nothing was put, and under no other tenant", async () => {
		const job = aKey();
		await storeResult(objects, job, bytesOf("{}"), anAnswer(1));
		for (const other of [aKey(), { ...job, tenantId: anId("ten") }]) {
			expect(await findStoredResult(objects, other)).toBeNull();
			expect(await readResult(objects, other)).toBeNull();
		}
	});
});

describe("openResult", () => {
	it("streams the whole, or the part asked for", async () => {
		const job = aKey();
		await storeResult(objects, job, bytesOf("0123456789"), anAnswer(1));
		expect(await new Response(await openResult(objects, job, null)).text()).toBe("0123456789");
		expect(await new Response(await openResult(objects, job, { offset: 2, length: 3 })).text()).toBe("234");
		expect(await openResult(objects, aKey(), null)).toBeNull();
	});
});

/** Returns its key. */
async function put(job: JobKey, timeMs: number, text = "{}"): Promise<string> {
	const key = inputKey(job, timeMs);
	await storeInput(objects, key, bytesOf(text));
	return key;
}

describe("inputs", () => {
	it("are read back as they were stored, under a key that starts with the day", async () => {
		const job = aKey();
		const text = JSON.stringify({ messages: [{ role: "user", content: "ключ 🔑" }] });
		const key = await put(job, NOW, text);
		expect(key).toBe(`inputs/2026-01-02/${job.tenantId}/${job.jobId}`);
		expect(await readInput(objects, { input: null, inputKey: key })).toEqual(bytesOf(text));
		expect(await readInput(objects, { input: null, inputKey: `${key}x` })).toBeNull();
		expect(await readInput(objects, { input: text, inputKey: null })).toEqual(bytesOf(text));
	});

	it("are listed day by day, page by page, each with the job it belongs to", async () => {
		const day = NOW + 100 * DAY;
		const jobs = Array.from({ length: 3 }, aKey);
		for (const job of jobs) await put(job, day);
		await put(aKey(), day - DAY);
		await put(aKey(), day + DAY);

		const page = await listInputs(objects, inputsOfDay(day + HOUR), null);

		const expected = jobs.map((job) => ({ ...job, key: inputKey(job, day) }));
		expect(page.inputs).toEqual(expect.arrayContaining(expected));
		expect(page).toMatchObject({ inputs: { length: 3 }, next: null });
		await eraseObjects(
			objects,
			page.inputs.slice(0, 2).map(({ key }) => key),
		);
		await eraseObjects(objects, []);
		expect((await listInputs(objects, inputsOfDay(day), null)).inputs).toEqual(page.inputs.slice(2));
	});

	it("go on after a full page", async () => {
		const day = NOW + 200 * DAY;
		const keys: string[] = [];
		for (let stored = 0; stored < 3; stored++) keys.push(await put(aKey(), day));
		const small = new Proxy(env.RESULTS, {
			get: (bucket, name) =>
				name === "list" ? (options: R2ListOptions) => bucket.list({ ...options, limit: 2 }) : Reflect.get(bucket, name),
		});

		const first = await listInputs(new ObjectStore(small, runtime), inputsOfDay(day), null);
		const second = await listInputs(new ObjectStore(small, runtime), inputsOfDay(day), first.next);

		expect(first.inputs).toHaveLength(2);
		expect([...first.inputs, ...second.inputs].map(({ key }) => key)).toEqual(keys.sort());
		expect(second.next).toBeNull();
	});

	it("say nothing of a key that we did not make", () => {
		expect(jobOfInputKey("inputs/2026-01-02/ten_1")).toBeNull();
		for (const key of ["inputs/2026-01-02/ten_1/job_1", "inputs/2026-01-02/ten_1/request/job_1"]) {
			expect(jobOfInputKey(key)).toEqual({ tenantId: "ten_1", jobId: "job_1" });
		}
	});

	it("lie beside those of the same request, put today or yesterday", () => {
		const key = inputKey({ tenantId: "ten_1", jobId: "job_1" }, Date.UTC(2026, 2, 1, 12), "request");
		expect(key).toBe("inputs/2026-03-01/ten_1/request/job_1");
		expect(inputsOfRepeats(key)).toEqual(["inputs/2026-03-01/ten_1/request/", "inputs/2026-02-28/ten_1/request/"]);
		expect(inputsOfRepeats("inputs/2026-03-01/ten_1/job_1")).toEqual([]);
	});
});

describe("eraseObjects", () => {
	it("deletes result and input of each job, of any number of jobs, and of no other", async () => {
		const kept = aKey();
		await storeResult(objects, kept, bytesOf("{}"), anAnswer(1));
		const jobs = Array.from({ length: 600 }, () => ({ ...aKey(), inputKey: null as string | null }));
		const [first, last] = [jobs.at(0), jobs.at(-1)];
		for (const job of [first, last]) {
			if (job === undefined) continue;
			job.inputKey = await put(job, NOW);
			await env.RESULTS.put(resultKey(job), "{}");
		}
		const all = jobs.map((job) => ({ ...job, inputKey: job.inputKey ?? inputKey(job, NOW) }));

		const keysPerCall: number[] = [];
		const counting = new Proxy(env.RESULTS, {
			get: (bucket, name) =>
				name === "delete"
					? (keys: string[]) => {
							keysPerCall.push(keys.length);
							return bucket.delete(keys);
						}
					: Reflect.get(bucket, name),
		});
		await eraseObjects(new ObjectStore(counting, runtime), all.flatMap(keysOfJob));
		await eraseObjects(new ObjectStore(counting, runtime), []);

		// R2 takes a thousand keys a call; the local one takes any number.
		expect(keysPerCall).toEqual([1_000, 200]);

		for (const job of [first, last]) {
			expect(job && (await env.RESULTS.head(resultKey(job)))).toBeNull();
			expect(job && (await env.RESULTS.head(job.inputKey ?? ""))).toBeNull();
		}
		expect(await findStoredResult(objects, kept)).not.toBeNull();
	});
});

describe("the bucket of a local run", () => {
	const [large, key] = [Uint8Array.from({ length: 4 * 1024 * 1024 + 1 }, (_, at) => at % 251), `local/${anId("job")}`];
	const local = inSlices(env.RESULTS);

	it("puts large bytes as they are, and lets others run meanwhile", async () => {
		let [turns, isPutting] = [0, true];
		const others = async () => {
			for (; isPutting; turns++) await runtime.sleep(0);
		};
		await Promise.all([new ObjectStore(local, runtime).put(key, large).finally(() => (isPutting = false)), others()]);
		expect(turns).toBeGreaterThan(8);
		expect(await new ObjectStore(local, runtime).bytes(key)).toEqual(large);
	});

	it("ends a put that reads nothing of the bytes as that put ends", async () => {
		const options = { onlyIf: { etagDoesNotMatch: "*" } };
		expect(await inSlices(env.RESULTS).put(`${key}/once`, large, options)).not.toBeNull();
		expect(await inSlices(env.RESULTS).put(`${key}/once`, large, options)).toBeNull();
		const broken = inSlices(standIn(env.RESULTS, { put: async () => Promise.reject(new Error("no R2")) }));
		await expect(broken.put(key, large)).rejects.toThrow("no R2");
	});
});
