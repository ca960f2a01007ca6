/** One run: connects, makes its tenants, runs the checks beside each other, and removes the tenants whatever happens. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { messageOf } from "../call-api.ts";
import { PlainError } from "../terminal.ts";
import { Caller, describe } from "./caller.ts";
import { type Check, MODEL, type Options, type Outcome, prompt, type Run } from "./check.ts";
import { accountSettings } from "./check-account.ts";
import { idempotency, largeInputs, oneJob, QUICK_WITHIN_MS, results } from "./check-jobs.ts";
import { defaultModel, longModelCall } from "./check-models.ts";
import { clock, description, operatorStatus, pages, rateLimit, sweeper } from "./check-service.ts";
import { cancellation, delayed, expiry, longCall, manyAtOnce, retries } from "./check-times.ts";
import { privateByDns, redirectingReceiver, refusedReceivers, signedWebhooks, slowReceiver } from "./check-webhooks.ts";
import { CheckFailed } from "./expect.ts";
import { HTTPBIN, openLocalReceiver, receiverAt } from "./receiver.ts";
import { leftBehind, RunTenants } from "./tenants.ts";

export type Row = { number: number; name: string } & Outcome;

/**
 * The checks of a stage run beside each other, and a stage begins when the one before it has ended. The messages of a queue
 * batch are settled together, so that a long call would hold up the retries of its neighbours: long calls come last. Before
 * them come the forty jobs, beside one that is cancelled. Requests without a key reach their limit in the last stage.
 */
const STAGES: readonly (readonly Check[])[] = [
	[description, pages, operatorStatus, oneJob, clock],
	[
		...[results, largeInputs, retries, delayed, idempotency, signedWebhooks, slowReceiver, redirectingReceiver],
		...[refusedReceivers, privateByDns, defaultModel, accountSettings],
	],
	[manyAtOnce, cancellation],
	[sweeper, longCall, expiry, rateLimit, longModelCall],
];

export type Watcher = {
	/** Called when checks begin or end, with those that are running. */
	running(checks: readonly Check[]): void;
	/** Called with a sentence about what the run waits for. */
	waiting(sentence: string): void;
	/** Called once, before anything is made, with how to find out what an exit would leave behind. */
	making(left: () => string | null): void;
};

export type Verification = {
	/** By their numbers. */
	rows: Row[];
	/** Why the checks were not run. Null: they were. */
	obstacle: string | null;
	/** Commands that remove what could not be removed, of this run or of one that was killed. Null: there is nothing. */
	left: string | null;
};

/** Throws a PlainError if there is no service to verify. When `signal` aborts, it removes what it made and resolves. */
export async function verify(
	options: Options,
	signal: AbortSignal,
	watcher: Watcher,
	stages: readonly (readonly Check[])[] = STAGES,
): Promise<Verification> {
	const callers = await connect(options, signal);
	const killed = await leftBehind(callers.operator);
	const receiver =
		options.isLocal && options.receiver === null ? await openLocalReceiver() : receiverAt(options.receiver ?? HTTPBIN);
	const id = randomBytes(6).toString("hex");
	const tenants = new RunTenants(options, id);
	watcher.making(() => tenants.left);
	const rows: Row[] = [];
	let obstacle: string | null = null;
	const lifetime = await outcomeOf(async () => {
		try {
			const tenant = await tenants.make("", {}, signal);
			const narrowTenant = await tenants.make("-narrow", { running_jobs: 1 }, signal);
			const run = { id, options, signal, receiver, tenant, narrowTenant, longJob: null, ...callers };
			if (options.isLocal && stages === STAGES) await tenants.turn(signal, watcher.waiting);
			obstacle = await obstacleTo(run);
			for (const stage of obstacle === null ? stages : []) await runStage(run, stage, rows, watcher);
		} finally {
			await tenants.remove();
		}
		await tenants.expectKeysEnded();
		return "two made; deleted, and their keys are refused";
	});
	receiver.close();
	rows.push({ number: 4, name: "Tenants and keys", ...lifetime });
	return { rows: rows.toSorted((one, other) => one.number - other.number), obstacle, left: tenants.left ?? killed };
}

/** With plain words about whatever makes a verification pointless. */
async function connect({ url, adminToken }: Options, signal: AbortSignal): Promise<Pick<Run, "operator" | "keyless">> {
	const [operator, keyless] = [new Caller(url, adminToken, signal), new Caller(url, null, signal)];
	const health = await keyless.call("/healthz");
	const isMisconfigured = health.status === 503;
	if (isMisconfigured) throw new PlainError(`${url} responds, but is not ready: ${messageOf(health.body)}`);
	const isHoldfast = health.status === 200 && Health.safeParse(health.body).success;
	if (!isHoldfast) throw new PlainError(`${url} is not a Holdfast service: GET /healthz returned ${health.status}.`);
	const status = await operator.call("/v1/admin/status");
	// The right token is never limited.
	const isWrong = status.status === 401 || status.status === 429;
	if (isWrong) throw new PlainError(`ADMIN_TOKEN is not the admin token of ${url}: ${messageOf(status.body)}`);
	return { operator, keyless };
}

const SWITCH_ON =
	"Set ALLOW_SIMULATED to true while you verify, such as by npm run deploy -- --simulated; the next deployment without it switches it off.";

/** Why no check may submit jobs: a model other than the simulated one may cost money. Null: they may. */
async function obstacleTo({ tenant }: Run): Promise<string | null> {
	const limits = { max_attempts: 1, deadline_seconds: QUICK_WITHIN_MS / 1_000 };
	const input = { messages: prompt(), max_tokens: 16 };
	try {
		const { id } = await tenant.submit({ model: MODEL, input, ...limits });
		const job = await tenant.finalJob(id, 2 * QUICK_WITHIN_MS);
		const provider = job.attempts?.at(-1)?.provider;
		if (provider === "simulated") return null;
		if (job.status === "expired") return `No job runs: ${describe(job)}. See npx wrangler tail.`;
		const found = provider == null ? `has no provider: ${describe(job)}` : `goes to the provider ${provider}`;
		return `The checks need the simulated model, but ${MODEL} ${found}. ${SWITCH_ON}`;
	} catch (error) {
		if (error instanceof CheckFailed) return `No job runs: ${error.message}. See npx wrangler tail.`;
		throw error;
	}
}

const Health = z.object({ status: z.literal("ok") });

async function runStage(run: Run, stage: readonly Check[], rows: Row[], watcher: Watcher): Promise<void> {
	run.signal.throwIfAborted();
	const { only } = run.options;
	const running = new Set(stage.filter(({ number }) => only.length === 0 || only.includes(number)));
	watcher.running([...running]);
	const settle = async (check: Check) => {
		const outcome = await outcomeOf(() => check.run(run));
		rows.push({ number: check.number, name: check.name, ...outcome });
		running.delete(check);
		watcher.running([...running]);
	};
	await Promise.all([...running].map(settle));
}

/** A check that crashes fails, and no other with it. */
async function outcomeOf(work: () => Promise<string | Outcome>): Promise<Outcome> {
	try {
		const outcome = await work();
		return typeof outcome === "string" ? { status: "ok", seen: outcome } : outcome;
	} catch (error) {
		return { status: "failed", seen: error instanceof Error ? error.message : String(error) };
	}
}
