/** Providers that refuse, and callers whose jobs fail: what other tenants notice of it. */
import type { Tenant } from "../world/client.ts";
import type { Scenario } from "./scenario.ts";
import { HOUR, MINUTE, SECOND, type Stage } from "./stage.ts";

/** Calls that a provider lets pile up: a minute of one a second. */
const BUCKET = 60;

const refusal = (message: string, headers: Record<string, string> = {}) => ({
	status: 429,
	body: { error: { message, type: "tokens", code: "rate_limit_exceeded" } },
	headers,
});

/** A provider that allows one call a second, and lets `pileUp` of them pile up. */
function allowOneASecond(stage: Stage, pileUp: number): void {
	const startedAt = stage.world.now;
	let used = 0;
	stage.service.model.script = ({ at }) => {
		const sinceStart = (at - startedAt) / SECOND;
		used = Math.max(used, sinceStart - pileUp);
		if (used + 1 > sinceStart) return { afterMs: SECOND, reply: refusal("Slow down.", { "retry-after": "20" }) };
		used += 1;
		return { afterMs: SECOND };
	};
}

/** A provider that takes so many calls at once, and refuses more. Each lasts for ten seconds; every `slowEach`th for forty. */
function allowAtOnce(stage: Stage, atOnce: number, slowEach = Number.POSITIVE_INFINITY): void {
	const ends: number[] = [];
	stage.service.model.script = ({ at }) => {
		if (ends.filter((end) => end > at).length >= atOnce) return { afterMs: SECOND / 10, reply: refusal("Slow down.") };
		const afterMs = ends.length % slowEach === slowEach - 1 ? 40 * SECOND : 10 * SECOND;
		ends.push(at + afterMs);
		return { afterMs };
	};
}

export const PROVIDERS: readonly Scenario[] = [
	{
		name: "short-timeouts",
		promise: "calls that are cut short close the model to no tenant",
		async play(stage) {
			const [hostile, other] = [await stage.tenant("hostile"), await stage.tenant("other")];
			stage.service.model.script = () => ({ afterMs: 3 * SECOND });
			await stage.store([hostile], 30, { timeoutMs: SECOND });
			for (let batch = 0; batch < 20; batch++) {
				await stage.store([hostile, other], 3);
				await stage.run(30 * SECOND);
			}
			stage.expect("longest wait of its own jobs, ms", stage.longestWaitMs(stage.jobsOf(hostile)), { atMost: 9_000 });
			stage.expect("longest wait of the other's jobs, ms", stage.longestWaitMs(stage.jobsOf(other)), { atMost: 9_000 });
		},
	},
	{
		name: "too-large-request",
		promise: "a request above a limit fails at once, and closes the model to no other",
		async play(stage) {
			const [hostile, other] = [await stage.tenant("hostile"), await stage.tenant("other")];
			const tooLarge = refusal("Request too large for m on tokens per min (TPM): Limit 30000, Requested 60000.");
			stage.service.model.script = ({ tenantId }) => ({
				afterMs: SECOND,
				...(tenantId === hostile.tenantId ? { reply: tooLarge } : {}),
			});
			const large = await stage.store([hostile], 10, { priority: 9 });
			await stage.run(10 * SECOND);
			await stage.store([other], 10);
			await stage.run(MINUTE);
			stage.expect("calls of a large job at most", Math.max(...large.map((id) => stage.work.calls.of(id))), {
				atMost: 1,
			});
			stage.expect("longest wait of the other's jobs, ms", stage.longestWaitMs(stage.jobsOf(other)), { atMost: 9_000 });
		},
	},
	{
		name: "impossible-request",
		promise:
			"a request that its first model can never take goes to a larger one, and the small ones beside it run at once",
		async play(stage) {
			const tenant = await stage.tenant("one");
			const impossible = new Set<string>();
			const said = [
				[
					413,
					"Request too large for m on tokens per minute (TPM): Limit 6000, Requested 14368. Please reduce your message size.",
				],
				[402, "This request requires more credits, or fewer max_tokens: requested 65536, can only afford 30104."],
				[400, "The temperature of this request is not allowed."],
				[400, "The input token count exceeds the maximum number of tokens allowed."],
			] as const;
			stage.service.model.script = ({ model, jobId }) => {
				const [status, message] = said[[...impossible].indexOf(jobId) % said.length] ?? said[0];
				if (model !== "alpha/one" || !impossible.has(jobId)) return { afterMs: SECOND };
				const body = { error: { message, type: "tokens", code: status === 413 ? "rate_limit_exceeded" : null } };
				return { afterMs: SECOND, reply: { status, body } };
			};
			const models: [string, ...string[]] = ["alpha/one", "beta/two"];
			const small: string[] = [];
			for (let batch = 0; batch < 100; batch++) {
				const large = batch % 10 === 0 ? await stage.store([tenant], 1, { models, priority: 9 }) : [];
				for (const id of large) impossible.add(id);
				small.push(...(await stage.store([tenant], 1)));
				await stage.run(3 * SECOND);
			}
			await stage.run(MINUTE);
			const jobs = stage.jobsOf(tenant);
			const answered = jobs.filter(({ id, status, model }) => {
				return impossible.has(String(id)) && status === "succeeded" && model === "beta/two";
			});
			stage.expect("of 10 impossible requests, done by the second model", answered.length, {
				atLeast: impossible.size,
			});
			const calls = [...impossible].map((id) => stage.work.calls.of(id));
			stage.expect("calls of one of them at most", Math.max(...calls), { atMost: 2 });
			const soon = jobs.filter(({ id, created_at: at }) => {
				const doneAt = stage.work.finalAt.get(String(id)) ?? Number.POSITIVE_INFINITY;
				return small.includes(String(id)) && doneAt - Number(at) <= 10 * SECOND;
			});
			stage.expect("of 100 small ones, done within 10 s", soon.length, { atLeast: 95 });
		},
	},
	{
		name: "starting-server",
		promise: "a server that takes two minutes to start uses up the attempts of no job",
		async play(stage) {
			const tenant = await stage.tenant("one");
			const upAt = stage.world.now + 2 * MINUTE;
			const busy = { status: 503, body: { error: { message: "Loading model" } } };
			stage.service.model.script = ({ at, number }) => ({
				afterMs: 0,
				...(at < upAt ? { reply: number % 2 === 0 ? busy : null } : {}),
			});
			await stage.store([tenant], 1);
			await stage.run(10 * MINUTE);
			const [job] = stage.jobsOf(tenant);
			stage.expect("jobs done", job?.status === "succeeded" ? 1 : 0, { atLeast: 1 });
		},
	},
	{
		name: "day-long-retry-after",
		promise: "a provider that refuses one job for a day closes the model to no other tenant",
		async play(stage) {
			const [hostile, other] = [await stage.tenant("hostile"), await stage.tenant("other")];
			const later = refusal("Slow down.", { "retry-after": "86400" });
			stage.service.model.script = ({ tenantId }) => ({
				afterMs: SECOND,
				...(tenantId === hostile.tenantId ? { reply: later } : {}),
			});
			const [refused = ""] = await stage.store([hostile], 1, { deadlineMs: 48 * HOUR });
			await stage.run(10 * SECOND);
			await stage.store([hostile, other], 5, { deadlineMs: 6 * HOUR });
			await stage.run(HOUR);
			stage.expect("calls of the refused job", stage.work.calls.of(refused), { atMost: 1 });
			const next = Math.min(
				...stage
					.jobsOf(hostile)
					.slice(1)
					.map((job) => stage.longestWaitMs([job])),
			);
			stage.expect("wait of the next job of its tenant, ms", next, { atMost: 17 * MINUTE });
			stage.expect("longest wait of the other's jobs, ms", stage.longestWaitMs(stage.jobsOf(other)), {
				atMost: MINUTE,
			});
		},
	},
	{
		name: "outage-for-many-tenants",
		promise: "a provider that is down for many tenants with few jobs each uses up the attempts of none",
		async play(stage) {
			const tenants: Tenant[] = [];
			for (let number = 0; number < 40; number++) tenants.push(await stage.tenant(`t${number}`));
			const backAt = stage.world.now + 20 * MINUTE;
			const down = { status: 503, body: { error: { message: "Down for maintenance." } } };
			stage.service.model.script = ({ at }) => ({ afterMs: SECOND, ...(at < backAt ? { reply: down } : {}) });
			const jobs = await stage.store(tenants, 3);
			await stage.run(20 * MINUTE);
			stage.expect("calls during the outage", stage.work.calls.total, { atMost: jobs.length + 20 });
			stage.expect("of one job", stage.work.calls.max, { atMost: 3 });
			await stage.run(10 * MINUTE);
			const done = tenants.flatMap((tenant) => stage.jobsOf(tenant)).filter(({ status }) => status === "succeeded");
			stage.expect("jobs done 10 min later", done.length, { atLeast: jobs.length });
		},
	},
	{
		name: "spoilt-probes",
		promise: "jobs that fail as probes go behind the other jobs of their tenant",
		async play(stage) {
			const tenant = await stage.tenant("one");
			const spoilt = await stage.store([tenant], 5, { priority: 9 });
			stage.service.model.script = ({ jobId }) => ({
				afterMs: SECOND,
				...(spoilt.includes(jobId) ? { reply: refusal("Slow down.") } : {}),
			});
			await stage.run(MINUTE);
			const others = await stage.store([tenant], 50);
			const calls = stage.work.calls.total;
			await stage.run(5 * MINUTE);
			stage.expect("of 50 other jobs done in 5 min", others.filter((id) => stage.work.finalAt.has(id)).length, {
				atLeast: others.length,
			});
			stage.expect("calls of the spoilt ones meanwhile", stage.work.calls.total - calls - others.length, {
				atMost: 15,
			});
		},
	},
	{
		name: "refused-for-ever",
		promise: "a model that refuses all calls for later keeps no job that has another model, and no other for ever",
		async play(stage) {
			const [one, two, spoilt] = [await stage.tenant("one"), await stage.tenant("two"), await stage.tenant("spoilt")];
			const blocked = { status: 402, body: { error: { message: "Out of credits.", code: "insufficient_quota" } } };
			stage.service.model.script = ({ model, tenantId }) => ({
				afterMs: SECOND,
				...(model === "alpha/one" ? { reply: tenantId === spoilt.tenantId ? blocked : refusal("Slow down.") } : {}),
			});
			await stage.store([one, two, spoilt], 2);
			const movers = await stage.store([one, two], 10, { models: ["alpha/one", "beta/two"] });
			await stage.run(5 * MINUTE);
			stage.expect("jobs that moved on, in 5 min", movers.filter((id) => stage.work.finalAt.has(id)).length, {
				atLeast: movers.length,
			});
			stage.expect("calls of one of them at most", Math.max(...movers.map((id) => stage.work.calls.of(id))), {
				atMost: 8,
			});
			await stage.run(8 * HOUR);
			const jobs = [one, two, spoilt]
				.flatMap((tenant) => stage.jobsOf(tenant))
				.filter(({ id }) => !movers.includes(String(id)));
			stage.expect("the others that failed", jobs.filter((job) => job.status_reason === "attempts_exhausted").length, {
				atLeast: jobs.length,
			});
			stage.expect(
				"of them, calls of one at least",
				Math.min(...jobs.map(({ id }) => stage.work.calls.of(String(id)))),
				{
					atLeast: 6,
				},
			);
			stage.expect("and at most", Math.max(...jobs.map(({ id }) => stage.work.calls.of(String(id)))), { atMost: 15 });
		},
	},
	{
		name: "throttled-model",
		promise: "a backlog uses what a provider allows, and does not churn",
		async play(stage) {
			const tenant = await stage.tenant("one");
			allowOneASecond(stage, BUCKET);
			await stage.store([tenant], 1_000);
			await stage.run(15 * MINUTE);
			const done = stage.jobsOf(tenant).filter(({ status }) => status === "succeeded").length;
			const perJob = (total: number) => total / Math.max(1, done);
			stage.expect("of 900 calls allowed, used", done, { atLeast: 810 });
			stage.expect("messages a job", perJob(stage.work.messages.total), { atMost: 5 });
			stage.expect("row updates a job", perJob(stage.work.rowUpdates.total), { atMost: 10 });
		},
	},
	{
		name: "few-calls-at-once",
		promise: "a backlog keeps a provider busy that takes few calls at once",
		async play(stage) {
			const tenant = await stage.tenant("one");
			allowAtOnce(stage, 20);
			await stage.store([tenant], 1_500);
			await stage.run(10 * MINUTE);
			const done = stage.jobsOf(tenant).filter(({ status }) => status === "succeeded").length;
			stage.expect("of 1,200 calls allowed, used", done, { atLeast: 700 });
			stage.expect("refused", stage.work.calls.total - stage.work.answers.total, { atMost: 60 });
		},
	},
	{
		name: "few-calls-at-once-some-cut",
		promise: "a backlog keeps a provider busy that takes few calls at once, though calls exceed their time limit",
		async play(stage) {
			const tenant = await stage.tenant("one");
			allowAtOnce(stage, 20, 10);
			await stage.store([tenant], 500, { timeoutMs: 12 * SECOND });
			await stage.run(4 * MINUTE);
			const done = () => stage.jobsOf(tenant).filter(({ status }) => status === "succeeded").length;
			const before = done();
			await stage.run(2 * MINUTE);
			stage.expect("done in the last 2 of 6 minutes", done() - before, { atLeast: 85 });
		},
	},
	{
		name: "backlog-of-one-tenant",
		promise: "a backlog at a throttled model keeps no other tenant from it",
		async play(stage) {
			const [crowd, other] = [await stage.tenant("crowd"), await stage.tenant("other")];
			allowOneASecond(stage, 1);
			await stage.store([crowd], 1_000);
			await stage.run(2 * MINUTE);
			const [one = ""] = await stage.store([other], 1);
			await stage.run(5 * MINUTE);
			stage.expect("wait of the other's job, ms", stage.longestWaitMs(stage.jobsOf(other)), { atMost: MINUTE });
			const [job] = stage.jobsOf(other);
			const doneAt = stage.work.finalAt.get(one) ?? stage.world.now;
			stage.expect("until it is done, ms", doneAt - Number(job?.created_at), { atMost: 2 * MINUTE });
		},
	},
	{
		name: "priority-of-one-tenant",
		promise: "no tenant's priority goes before the jobs of another",
		async play(stage) {
			const [urgent, other] = [await stage.tenant("urgent"), await stage.tenant("other")];
			allowOneASecond(stage, BUCKET);
			await stage.store([urgent], 300, { priority: 9 });
			await stage.store([other], 300, { priority: 0 });
			await stage.run(4 * MINUTE);
			const done = (tenant: Tenant) => stage.jobsOf(tenant).filter(({ status }) => status === "succeeded").length;
			stage.expect("of 240 calls allowed, used", done(urgent) + done(other), { atLeast: 160 });
			stage.expect("of them the other's, %", (100 * done(other)) / (done(urgent) + done(other)), {
				atLeast: 33,
				atMost: 67,
			});
		},
	},
];
