import { env } from "cloudflare:workers";
import { resultKey } from "../../../shared/storage/keys.ts";
import { SECOND } from "../support/a-job.ts";
import { RECEIVER } from "../world/upstreams.ts";
import { CONSUMER } from "./catalogue.ts";
import { describeFaults } from "./each-call.ts";
import { aResultOf, aRunningJob, lateResult, limit } from "./rows.ts";

describeFaults("consumer", { calls: CONSUMER }, [
	{
		name: "a batch of three: one slow, one at its own server, one with a large input",
		isBatch: true,
		async play(story) {
			await story.submit({ prompt: "slow", hasWebhook: true, steps: [{ afterMs: 40 * SECOND }] });
			await story.submit({ prompt: "elsewhere", json: { model: "server/one" } });
			await story.submit({ prompt: "large", hasWebhook: true, isLarge: true });
		},
	},
	{
		name: "a job that fails once, beside one that does not",
		isBatch: true,
		tries: /requeue job|r2|lease jobs|finish jobs|record recovery/,
		async play(story) {
			await story.submit({ prompt: "shaky", hasWebhook: true, steps: [{ status: 500 }, {}] });
			await story.submit({ prompt: "steady", json: { model: "server/one" } });
		},
	},
	{
		name: "jobs that fail for good: refused, and out of attempts",
		isBatch: true,
		tries: /record failure|finish jobs|queue/,
		async play(story) {
			const failed = { status: "failed", hasWebhook: true } as const;
			await story.submit({ ...failed, prompt: "refused", steps: [{ status: 400 }] });
			await story.submit({ ...failed, prompt: "hopeless", steps: [{ status: 500 }], json: { max_attempts: 1 } });
		},
	},
	{
		name: "a throttled model, and a job that waits for it",
		tries: /requeue job|explain missed leases|record recovery|release parked|queue|lease jobs|finish jobs/,
		async play(story) {
			// With one attempt: a call that used up none must not cost it.
			const json = { max_attempts: 1 };
			await story.submit({ prompt: "first", steps: [{ status: 429, retryAfter: 20 }, {}], json });
			await story.pass(5 * SECOND);
			await story.submit({ prompt: "second", hasWebhook: true });
		},
	},
	{
		name: "a throttled model whose probe fails",
		tries: /return permits/,
		async play(story) {
			await story.submit({ prompt: "probe", steps: [{ status: 429, retryAfter: 20 }, { status: 500 }, {}] });
		},
	},
	{
		name: "a job whose webhook gets its start, beside one whose does not",
		isBatch: true,
		tries: /consumer: queue/,
		async play(story) {
			const webhook = { url: RECEIVER, events: ["job.started", "job.succeeded"] };
			const expected = { hasStartWebhook: true };
			await story.submit({ prompt: "announced", hasWebhook: true, json: { webhook }, expected });
			await story.submit({ prompt: "quiet", hasWebhook: true });
		},
	},
	{
		name: "jobs that run one at a time: when one waits for its retry or is over, the next goes",
		tries: /requeue job|finish jobs|queue/,
		async play(story) {
			await limit(story, "running_jobs", 1);
			await story.submit({ prompt: "shaky", hasWebhook: true, steps: [{ status: 500 }, {}] });
			await story.submit({ prompt: "second", steps: [{ afterMs: 10 * SECOND }] });
			await story.submit({ prompt: "third", hasWebhook: true, json: { priority: 9 } });
		},
	},
	{
		name: "jobs that run one at a time, of which one finds its model gated and gives up its slot",
		tries: /queue|lease jobs/,
		async play(story) {
			await limit(story, "running_jobs", 1);
			await story.submit({ prompt: "first", steps: [{ status: 429, retryAfter: 20 }, {}] });
			await story.submit({ prompt: "gated" });
			await story.submit({ prompt: "elsewhere", hasWebhook: true, json: { model: "server/one" } });
		},
	},
	{
		name: "a model that refuses, and the next one of the list",
		tries: /requeue job/,
		async play(story) {
			const steps = [{ status: 404 }, {}];
			await story.submit({ prompt: "moving on", steps, json: { model: ["gateway/one", "server/two"] } });
		},
	},
	{
		name: "a message that comes early",
		tries: /explain missed leases|lease jobs/,
		async play(story) {
			const { tenantId, jobId } = await story.submit({ prompt: "later", json: { delay_seconds: 100 } });
			story.world.jobs.add({ tenantId, jobId });
		},
	},
	{
		name: "a job whose holder died after its result was stored",
		tries: /r2 head|finish jobs/,
		async play(story) {
			const job = await aRunningJob(story, { prompt: "orphaned", bought: 0 });
			await env.RESULTS.put(resultKey(job), ...aResultOf(job, "orphaned"));
		},
	},
	{
		name: "a job whose former holder stores its result during the next call",
		tries: /r2 (put|head)/,
		async play(story) {
			const job = await aRunningJob(story, { prompt: "raced", bought: 1, result: 0 });
			story.world.upstreams.script.set("raced", [{ meanwhile: lateResult(job, "raced") }]);
		},
	},
	{
		name: "a job that is cancelled in the middle of its call",
		tries: /extend leases|find held leases/,
		async play(story) {
			const steps = [{ afterMs: 55 * SECOND }];
			const { jobId } = await story.submit({ prompt: "stopped", status: "cancelled", hasWebhook: true, steps });
			await story.pass(2 * SECOND);
			await story.send("POST", `/v1/jobs/${jobId}/cancel`);
		},
	},
	{
		name: "a settlement whose reply was lost already",
		isBatch: true,
		given: [{ at: "consumer d1 finish jobs", fault: "fails after" }],
		tries: /find lease state/,
		async play(story) {
			await story.submit({ prompt: "unsure", hasWebhook: true });
			await story.submit({ prompt: "beside" });
		},
	},
	{
		name: "a settlement that failed already",
		given: [{ at: "consumer d1 finish jobs", fault: "fails before" }],
		tries: /find lease state|finish jobs/,
		play: (story) => story.submit({ prompt: "unsure", hasWebhook: true }),
	},
	{
		name: "a lease whose reply was lost already",
		given: [{ at: "consumer d1 lease jobs", fault: "fails after" }],
		tries: /lease jobs/,
		play: (story) => story.submit({ prompt: "held twice", json: { max_attempts: 1 } }),
	},
	{
		name: "a result whose put got no reply",
		given: [{ at: "consumer r2 put results", fault: "fails after" }],
		tries: /r2 (put|head)/,
		play: (story) => story.submit({ prompt: "stored twice", hasWebhook: true }),
	},
]);
