/** `holdfast webhooks listen`: the ends of jobs, sent to an address that the service cannot reach. */
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { Webhook } from "standardwebhooks";
import { RealClock } from "../../clock.ts";
import { ConnectionError, LimitReached, NotFound, ServiceFailure } from "../../errors.ts";
import type { Holdfast } from "../../index.ts";
import { isFinal } from "../../jobs.ts";
import type { Job } from "../../schemas.ts";
import { duration, list, signingSecrets } from "../arguments.ts";
import { UsageError } from "../exit-codes.ts";
import { settingOf } from "../profiles.ts";
import type { CliSession } from "../session.ts";

const POLL_MS = 2_000;
const HOUR_MS = 3_600_000;
/** Ends are looked for a little earlier than the last one: they do not become visible in their order. Clocks may differ. */
const OVERLAP_MS = 10 * 60_000;
/** No job is open for longer after its start. */
const OPEN_MS_MAX = 7 * 24 * HOUR_MS;
/** Of each look: together at least 1,000 jobs, those created last. */
const PAGES_MAX = 10;
const TIMEOUT_MS = 20_000;
/** The service puts smaller results into events, and so does this. */
const RESULT_BYTES_MAX = 16_384;

interface Listener {
	session: CliSession;
	holdfast: Holdfast;
	address: string;
	/** One for each secret in force. */
	webhooks: Webhook[];
	/** Event types. Undefined: all. */
	events: string[] | undefined;
}

export function addListen(webhooks: Command, begin: () => CliSession): void {
	webhooks
		.command("listen <address>")
		.description("send the ends of jobs to an address of this machine, signed: polls for jobs that ended")
		.option("--events <types>", "between commas, such as job.succeeded", list)
		.option("--since <time>", "begin with what ended in the last 5m, 24h …", duration)
		.action(async (address: string, flags: { events?: string[]; since?: number }) => {
			if (!/^https?:\/\//.test(address) || !URL.canParse(address))
				throw new UsageError(`Not an address of http or https: ${address}`);
			const session = begin();
			const webhooks = secretsOf(session).map((secret) => new Webhook(secret));
			session.out.note(`Sending to      ${address}, until Ctrl-C`);
			await listen({ session, holdfast: session.connect(), address, webhooks, events: flags.events }, flags.since);
		});
}

function secretsOf(session: CliSession): string[] {
	const given = settingOf(session.surroundings.env, "HOLDFAST_WEBHOOK_SECRET");
	if (given !== undefined) {
		const secrets = signingSecrets(given);
		session.out.note("Signing secret  that of HOLDFAST_WEBHOOK_SECRET");
		return secrets;
	}
	const made = `whsec_${randomBytes(32).toString("base64")}`;
	// With `--quiet` too: the receiver needs it.
	session.stderr.write(`Signing secret  ${made}\n`);
	return [made];
}

async function listen(listener: Listener, since: number | undefined): Promise<void> {
	const { session } = listener;
	const { signal, clock = new RealClock() } = session.surroundings;
	const seen = new Set<string>();
	let from = clock.now() - (since ?? OVERLAP_MS);
	let isFirst = true;
	for (;;) {
		let pauseMs = POLL_MS;
		try {
			for (const job of await endedSince(listener.holdfast, from)) {
				if (seen.has(job.id)) continue;
				if (!isFirst || since !== undefined) await forward(listener, job);
				seen.add(job.id);
				from = Math.max(from, Date.parse(job.finished_at ?? "") - OVERLAP_MS || 0);
			}
			isFirst = false;
		} catch (error) {
			if (signal.aborted || !isTransient(error)) throw error;
			session.out.note(error.message);
			if (error instanceof LimitReached) pauseMs = Math.min(HOUR_MS, error.retryAfterMs ?? POLL_MS);
		}
		await clock.sleep(pauseMs, signal);
	}
}

function isTransient(error: unknown): error is ConnectionError | LimitReached | ServiceFailure {
	return error instanceof ConnectionError || error instanceof LimitReached || error instanceof ServiceFailure;
}

/** Final jobs, in the order of their ends. */
async function endedSince(holdfast: Holdfast, from: number): Promise<Job[]> {
	const finishedAfter = new Date(from);
	const createdAfter = new Date(from - OPEN_MS_MAX);
	const found: Job[] = [];
	let page = await holdfast.jobs.list({ finishedAfter, createdAfter, limit: 100 });
	for (let read = 1; ; read++) {
		found.push(...page.data.filter(isFinal));
		const next = read < PAGES_MAX ? await page.nextPage() : null;
		if (next === null) return found.sort((one, other) => endOf(one) - endOf(other));
		page = next;
	}
}

const endOf = ({ finished_at }: Job) => Date.parse(finished_at ?? "");

async function forward({ session, holdfast, address, webhooks, events }: Listener, job: Job): Promise<void> {
	const type = `job.${job.status}`;
	if (events !== undefined && !events.some((one) => one === type || one === "job.*")) return;
	const id = job.id.replace(/^job_/, "evt_");
	const body = JSON.stringify({
		...{ id, object: "event", type },
		created_at: Math.floor(endOf(job) / 1_000),
		timestamp: job.finished_at,
		data: { ...job, result: await resultOf(holdfast, job) },
	});
	const at = new Date();
	const headers = {
		"content-type": "application/json",
		"webhook-id": id,
		"webhook-timestamp": `${Math.floor(at.getTime() / 1_000)}`,
		"webhook-signature": webhooks.map((webhook) => webhook.sign(id, at, body)).join(" "),
	};
	const signal = AbortSignal.any([session.surroundings.signal, AbortSignal.timeout(TIMEOUT_MS)]);
	const reply = { status: null as number | null, error: null as string | null };
	try {
		const response = await session.fetch(address, { method: "POST", headers, body, redirect: "manual", signal });
		await response.body?.cancel();
		reply.status = response.status;
	} catch (error) {
		session.surroundings.signal.throwIfAborted();
		reply.error = error instanceof Error && error.name === "TimeoutError" ? "no reply in 20 s" : "could not be reached";
	}
	show(session, { id, type, job_id: job.id, ...reply, duration_ms: Date.now() - at.getTime() });
}

/** Null: the job has none, it is large, or the job was erased meanwhile. */
async function resultOf(holdfast: Holdfast, job: Job): Promise<unknown> {
	if (job.status !== "succeeded") return null;
	try {
		const result = await holdfast.jobs.result(job.id);
		return JSON.stringify(result).length > RESULT_BYTES_MAX ? null : result;
	} catch (error) {
		if (error instanceof NotFound) return null;
		throw error;
	}
}

interface Sent {
	id: string;
	type: string;
	job_id: string;
	status: number | null;
	error: string | null;
	duration_ms: number;
}

function show(session: CliSession, sent: Sent): void {
	const { type, job_id, status, error, duration_ms } = sent;
	const time = new Date().toISOString().slice(11, 19);
	if (session.out.isForPrograms) session.out.object(sent);
	else session.out.text(`${time}  ${type.padEnd(13)}  ${job_id}  ${status ?? error}  ${duration_ms} ms`);
}
