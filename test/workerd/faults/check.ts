/** What must hold when a story is over, whatever one call did in its middle. */
import { env } from "cloudflare:workers";
import { z } from "zod";
import type { FinalState } from "../../../shared/core/jobs/job-states.ts";
import { resultKey } from "../../../shared/storage/keys.ts";
import { eventIdOf } from "../../support/event-ids.ts";
import { MINUTE, SECOND } from "../support/a-job.ts";
import type { World } from "../world/world.ts";
import { CALLS, namesIn } from "./catalogue.ts";
import type { Expected, Story } from "./story.ts";

/** At first soon, for most stories are short; then once for each sweep. */
const LOOKS_MS = [5 * SECOND, 10 * SECOND, 30 * SECOND, 15 * SECOND, ...Array.from({ length: 45 }, () => MINUTE)];
const Job = z.object({
	id: z.string(),
	tenant_id: z.string(),
	status: z.string(),
	finished_at: z.number().nullable(),
	result_bytes: z.number().nullable(),
});
const DeliveryRow = z.object({ job_id: z.string(), event_id: z.string(), status: z.string() });
type DeliveryRow = z.infer<typeof DeliveryRow>;
type Rows = { jobs: z.infer<typeof Job>[]; deliveries: DeliveryRow[] };

/** When each expected job ended, and when its webhook came first, since the story began. */
export type Ends = { about: string[]; endedMs: number | null; webhookMs: number | null }[];

/** Lets the world run until nothing is in progress, and checks its state. */
export async function conclude(story: Story): Promise<Ends> {
	const { world } = story;
	await settleDown(story);
	const rows = await readRows();
	for (const expected of story.expected) await checkJob(story, expected, rows);
	const unexpected = rows.jobs.filter(({ id }) => !story.expected.some(({ jobId }) => jobId === id));
	if (unexpected.length > story.strays) world.problem(`no request was for ${unexpected.map(({ id }) => id)}`);
	checkInvocations(world);
	for (const { actor, name } of world.gate.calls) {
		for (const one of namesIn(name)) {
			if (!CALLS[actor]?.has(one)) world.problem(`no test of ${actor} covers the call "${one}"`);
		}
	}
	const ends = new Map(rows.jobs.map((row) => [row.id, row.finished_at]));
	return story.expected.map(({ jobId, prompt }) => {
		const since = (at: number | null | undefined) => (at === null || at === undefined ? null : at - world.startedAt);
		const webhook = world.received.find(({ data }) => data.id === jobId);
		return {
			about: [jobId.slice("job_".length), prompt],
			endedMs: since(ends.get(jobId)),
			webhookMs: since(webhook?.at),
		};
	});
}

async function settleDown({ world, wishes }: Story): Promise<void> {
	let open: string[] = [];
	for (const waitMs of LOOKS_MS) {
		await world.advance(waitMs);
		const isOver = world.isIdle() && (await countOpen()) === 0;
		const untrue = await Promise.all(wishes.map(async ({ what, isTrue }) => ((await isTrue()) ? [] : [what])));
		open = [...untrue.flat(), ...(isOver ? [] : ["all jobs and deliveries are over"])];
		if (open.length === 0) return;
	}
	world.problem(`it never comes true that ${open.join("; ")}`);
}

async function countOpen(): Promise<number> {
	const row = await env.DB.prepare(
		`SELECT (SELECT count(*) FROM jobs WHERE finished_at IS NULL)
		      + (SELECT count(*) FROM deliveries WHERE status = 'pending') AS n`,
	).first<{ n: number }>();
	return row?.n ?? 0;
}

async function readRows(): Promise<Rows> {
	const [jobs, deliveries] = await env.DB.batch([
		env.DB.prepare("SELECT id, tenant_id, status, finished_at, result_bytes FROM jobs"),
		env.DB.prepare("SELECT job_id, event_id, status FROM deliveries"),
	]);
	return { jobs: z.array(Job).parse(jobs?.results), deliveries: z.array(DeliveryRow).parse(deliveries?.results) };
}

async function checkJob({ world, strays }: Story, expected: Expected, { jobs, deliveries }: Rows): Promise<void> {
	const { jobId, prompt } = expected;
	const problem = (what: string) => world.problem(`“${prompt}” ${what}`);
	const row = jobs.find(({ id }) => id === jobId);
	if (expected.status === "erased") return await checkErased(expected, row !== undefined, problem);
	if (row?.status !== expected.status) problem(`is ${row?.status} and not ${expected.status}`);

	const bought = world.upstreams.bought.get(prompt) ?? 0;
	const mayBuy = expected.bought + strays + (isLostByModel(world, prompt) ? 1 : 0);
	if (bought > mayBuy) problem(`was paid for ${bought} times`);

	const object = await env.RESULTS.get(resultKey(expected));
	const text = (await object?.text()) ?? null;
	const isResult = text?.includes(`${prompt} #${expected.result ?? ""}`) === true;
	if (row?.status === "succeeded" && !isResult) problem(`has the result ${text}`);
	if ((text === null ? null : object?.size) !== row?.result_bytes && row?.status === "succeeded") {
		problem(`has ${object?.size} bytes and says ${row?.result_bytes}`);
	}

	const { status } = expected;
	const own = deliveries.filter(({ job_id }) => job_id === jobId);
	for (const what of webhookProblems(world, { ...expected, status }, own)) problem(what);
}

async function checkErased(job: Expected, hasRow: boolean, problem: (what: string) => void): Promise<void> {
	if (hasRow) problem("is not erased");
	if ((await env.RESULTS.head(resultKey(job))) !== null) problem("has left its result behind");
}

/** The result was made, and lost between the model and us: the model is called again. */
function isLostByModel({ gate }: World, prompt: string): boolean {
	return gate.injected.some(({ call }) => call.about.includes(prompt));
}

function checkInvocations(world: World): void {
	for (const { what, startedAt, endedAt, limitMs } of world.invocations) {
		if (endedAt === null) world.problem(`the ${what} that began after ${startedAt - world.startedAt} ms never ends`);
		else if (endedAt - startedAt > limitMs) world.problem(`the ${what} took ${endedAt - startedAt} ms`);
	}
	// Cron's own. A finished call leaves none behind.
	if (world.runtime.pendingTimers() !== 1) world.problem(`${world.runtime.pendingTimers() - 1} timers are left`);
}

/** Which webhooks the job must have had, and how often at most. */
function webhookProblems(
	world: World,
	expected: Expected & { status: FinalState },
	deliveries: DeliveryRow[],
): string[] {
	const { jobId, hasWebhook, endpoints = 0, missed = 0, hasStartWebhook = false } = expected;
	const ends = (hasWebhook ? 1 : 0) + endpoints;
	const starts = hasStartWebhook ? 1 : 0;
	const end = eventIdOf(jobId, expected.status);
	const start = eventIdOf(jobId, "started");
	const having = (eventId: string, isDelivered: boolean) =>
		deliveries.filter((row) => row.event_id === eventId && (row.status === "delivered") === isDelivered).length;
	const isRight =
		having(end, true) === ends &&
		having(end, false) === missed &&
		having(start, true) === starts &&
		!having(start, false);
	const isAll = deliveries.length === ends + missed + starts;

	const received = world.received.filter(({ data }) => data.id === jobId);
	const timesMax = ends + missed + starts + (expected.redelivered ?? 0) + timesLost(world, jobId);
	const problems: string[] = [];
	if (!isRight || !isAll) problems.push(`has the deliveries ${JSON.stringify(deliveries)}`);
	if (received.some(({ id }) => id !== end && id !== start)) problems.push(`sent ${received.map(({ id }) => id)}`);
	if (received.length < ends + starts || received.length > timesMax + world.upstreams.refusals) {
		problems.push(`sent ${received.length} webhooks`);
	}
	return problems;
}

/** A webhook whose reply was lost comes again, as one that was refused does, and no other. */
function timesLost({ gate }: World, jobId: string): number {
	const about = jobId.slice("job_".length);
	return gate.injected.filter(({ call }) => call.outside === "fetch" && call.about.includes(about)).length;
}
