/** Jobs from submission to result: D1, queue, consumer, R2. */
import { randomUUID } from "node:crypto";
import { JobList, JobResponse } from "../../../shared/api/job.ts";
import { type Job, parsed } from "./caller.ts";
import { type Check, MODEL, type Outcome, prompt, type Run, skipped } from "./check.ts";
import { expectRefused, expectStatus, expectThat, until } from "./expect.ts";
import { readEcho } from "./receiver.ts";

export const QUICK_WITHIN_MS = 60_000;
const SAMPLES = 20;

export const oneJob: Check = {
	number: 5,
	name: "A job from end to end",
	async run({ tenant }) {
		const job = { model: MODEL, input: { messages: prompt() } };
		const waited = await tenant.submission(job, { prefer: "wait=30" });
		expectStatus(waited, 200, "a submission with Prefer: wait=30");
		expectOneCall(await tenant.succeededJob(parsed(waited, JobResponse, "POST /v1/jobs").id, QUICK_WITHIN_MS));

		const accepted: number[] = [];
		const ids: string[] = [];
		for (let nth = 0; nth < SAMPLES; nth++) {
			const sentAt = performance.now();
			const { id } = await tenant.submit(job);
			accepted.push(performance.now() - sentAt);
			ids.push(id);
		}
		const jobs = await Promise.all(ids.map((id) => tenant.succeededJob(id, QUICK_WITHIN_MS)));
		for (const done of jobs) expectOneCall(done);
		const ended = jobs.map(({ created_at, finished_at }) => Date.parse(finished_at ?? "") - Date.parse(created_at));
		return `202 in ${median(accepted)}, succeeded in ${median(ended)} (p50, p95 of ${SAMPLES})`;
	},
};

/** One lease and one call: nothing failed, was repeated, or had to be taken over. */
export function expectOneCall({ id, attempt, attempts = [] }: Job): void {
	const outcomes = attempts.map(({ outcome }) => outcome);
	expectThat(attempt === 1 && attempts.length === 1, `job ${id} took ${outcomes.length} calls: ${outcomes.join(", ")}`);
}

function median(times: number[]): string {
	const sorted = times.toSorted((one, other) => one - other);
	const at = (part: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0);
	return `${at(0.5)} ms, ${at(0.95)} ms`;
}

export const results: Check = {
	number: 6,
	name: "Results",
	async run(run) {
		const { tenant, narrowTenant, receiver } = run;
		const { id } = await tenant.submit({
			model: MODEL,
			input: { messages: prompt() },
			webhook: { url: receiver.echo, events: ["job.succeeded"] },
		});
		await tenant.succeededJob(id, QUICK_WITHIN_MS);
		const path = `/v1/jobs/${id}/result`;
		const whole = await tenant.call(path);
		expectStatus(whole, 200, "the result");
		const part = await tenant.call(path, { headers: { range: "bytes=2-21" } });
		expectStatus(part, 206, "the result with Range");
		expectThat(part.text === whole.text.slice(2, 22), "Range bytes=2-21 returned other bytes");
		expectStatus(await narrowTenant.call(path), 404, "the result with another tenant's key");
		expectRefused(await run.keyless.call(path), "the result without a key");
		const link = await signedLink(run, id);
		const seen = `${whole.text.length} bytes, Range, and 404 with another tenant's key`;
		return link === null ? noLink(seen) : await checkLink(run, link, whole.text, seen);
	},
};

const noLink = (seen: string): Outcome => skipped(`${seen}; the receiver's reply does not show the signed link`);

async function checkLink({ keyless }: Run, link: string, text: string, seen: string): Promise<string> {
	const linked = await keyless.call(link);
	expectStatus(linked, 200, "the signed link");
	expectThat(linked.text === text, "the signed link returned other bytes");
	const changed = link.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
	expectRefused(await keyless.call(changed), "the signed link with one character changed");
	return `${seen}; signed link: the same bytes, refused with one character changed`;
}

/** As the first KiB of the receiver's reply shows them. Null: it does not. */
async function signedLink({ tenant, signal }: Run, id: string): Promise<string | null> {
	const reply = await until(signal, 90_000, "the webhook was not sent", async () => {
		const [delivery] = await tenant.deliveries(id);
		const attempt = delivery?.attempts.at(-1);
		return attempt === undefined ? null : (attempt.response ?? "");
	});
	const link = /"result_url":"([^"]+&signature=[0-9a-f]{8}\.[^"]+\.[0-9a-f]{64})"/.exec(readEcho(reply).data)?.[1];
	return link ?? null;
}

const MIB = 1024 * 1024;
/** The simulated provider counts four characters as a token. */
const CHARACTERS_PER_TOKEN = 4;

export const largeInputs: Check = {
	number: 7,
	name: "Large inputs",
	async run({ tenant }) {
		const submit = (mib: number) => tenant.submission({ model: MODEL, input: { messages: prompt(mib * MIB) } });
		expectStatus(await submit(17), 413, "an input of 17 MiB");
		for (const mib of [3, 15]) {
			const response = await submit(mib);
			expectStatus(response, 202, `an input of ${mib} MiB`);
			const { id } = parsed(response, JobResponse, "POST /v1/jobs");
			const { usage } = await tenant.succeededJob(id, QUICK_WITHIN_MS);
			const read = (usage?.prompt_tokens ?? 0) * CHARACTERS_PER_TOKEN;
			expectThat(read === mib * MIB, `of ${mib} MiB, the provider got ${read} bytes`);
		}
		return "3 and 15 MiB reach the provider whole, 17 MiB are refused";
	},
};

const EQUAL = 10;

export const idempotency: Check = {
	number: 12,
	name: "Idempotency keys",
	async run({ tenant }) {
		const key = randomUUID();
		const body = { model: MODEL, input: { messages: prompt() }, metadata: { key } };
		const post = () => tenant.submission(body, { "idempotency-key": key });
		const responses = await Promise.all(Array.from({ length: EQUAL }, post));
		for (const response of responses) expectStatus(response, 202, "one of ten equal submissions");
		const ids = new Set(responses.map((response) => parsed(response, JobResponse, "POST /v1/jobs").id));
		expectThat(ids.size === 1, `${EQUAL} equal submissions with one Idempotency-Key made ${ids.size} jobs`);
		const replayed = responses.filter(({ headers }) => headers.get("idempotent-replayed") === "true").length;
		// All of them, if the first was repeated because its response did not arrive.
		expectThat(replayed >= EQUAL - 1, `${replayed} of ${EQUAL} responses say that they are replayed`);
		const { data } = await tenant.read(`/v1/jobs?metadata[key]=${key}`, JobList);
		expectThat(data.length === 1, `the list has ${data.length} jobs of ten equal submissions`);
		return `one job of ${EQUAL} equal submissions at once`;
	},
};
