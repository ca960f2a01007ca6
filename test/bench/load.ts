/** What callers do to a system: many at once, or one after the other. */
import type { System } from "./systems.ts";
import type { Upstreams } from "./upstreams.ts";

let tags = 0;

/** Names one job in its prompt and in its receiver's path; never used twice. */
export function newTag(system: string): string {
	tags += 1;
	return `${system}-${tags}`;
}

/** Milliseconds from the request to the whole 202. */
export async function submitOnce(submission: System["submission"], tag: string): Promise<number> {
	const { url, init } = submission(tag);
	const startedAt = performance.now();
	const answer = await fetch(url, init);
	const text = await answer.text();
	if (answer.status !== 202) throw new Error(`${url} answered ${answer.status}: ${text.slice(0, 500)}`);
	return performance.now() - startedAt;
}

/** `count` submissions, `atOnce` of them in flight at any time: the next begins when one is answered. */
export async function submitMany(
	submission: System["submission"],
	allTags: readonly string[],
	atOnce: number,
): Promise<number[]> {
	const left = [...allTags];
	const took: number[] = [];
	const caller = async () => {
		for (let tag = left.pop(); tag !== undefined; tag = left.pop()) took.push(await submitOnce(submission, tag));
	};
	await Promise.all(Array.from({ length: atOnce }, caller));
	return took;
}

interface Throughput {
	jobsPerSecond: number;
	submitMs: number[];
}

/** From the first request to the last webhook. */
export async function throughputOf(
	{ name, submission }: Pick<System, "name" | "submission">,
	upstreams: Upstreams,
	{ jobs, atOnce }: { jobs: number; atOnce: number },
): Promise<Throughput> {
	const allTags = Array.from({ length: jobs }, () => newTag(name));
	const startedAt = performance.now();
	const submitMs = await submitMany(submission, allTags, atOnce);
	const arrivals = await Promise.all(allTags.map((tag) => upstreams.arrival(tag)));
	return { jobsPerSecond: (1000 * jobs) / (Math.max(...arrivals) - startedAt), submitMs };
}

/** Milliseconds, one a job. */
export interface Idle {
	submitMs: number[];
	/** From the request to the model's being asked, from its answer to the webhook, and both together. */
	toModelMs: number[];
	toWebhookMs: number[];
	overheadMs: number[];
}

/** One job at a time, each with the system to itself: what the one before left to do after its webhook is done. */
export async function idleOf({ name, submission, atRest }: System, upstreams: Upstreams, jobs: number): Promise<Idle> {
	const idle: Idle = { submitMs: [], toModelMs: [], toWebhookMs: [], overheadMs: [] };
	for (let made = 0; made < jobs; made++) {
		const tag = newTag(name);
		const startedAt = performance.now();
		idle.submitMs.push(await submitOnce(submission, tag));
		const arrivedAt = await upstreams.arrival(tag);
		const call = upstreams.modelCall(tag);
		idle.toModelMs.push(call.startedAt - startedAt);
		idle.toWebhookMs.push(arrivedAt - call.endedAt);
		idle.overheadMs.push(call.startedAt - startedAt + arrivedAt - call.endedAt);
		await atRest();
	}
	return idle;
}
