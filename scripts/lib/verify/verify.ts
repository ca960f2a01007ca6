/** One run: connects, makes its tenants, runs the checks beside each other, and removes the tenants whatever happens. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { messageOf } from "../call-api.ts";
import { PlainError } from "../terminal.ts";
import { Caller } from "./caller.ts";
import type { Check, Options, Outcome, Run } from "./check.ts";
import { accountSettings } from "./check-account.ts";
import { idempotency, largeInputs, oneJob, results } from "./check-jobs.ts";
import { defaultModel, longModelCall } from "./check-models.ts";
import { clock, description, operatorStatus, rateLimit, sweeper } from "./check-service.ts";
import { cancellation, delayed, expiry, longCall, manyAtOnce, retries } from "./check-times.ts";
import { privateByDns, redirectingReceiver, refusedReceivers, signedWebhooks, slowReceiver } from "./check-webhooks.ts";
import { HTTPBIN, openLocalReceiver, receiverAt } from "./receiver.ts";
import { leftBehind, RunTenants } from "./tenants.ts";

export type Row = { number: number; name: string } & Outcome;

/**
 * The checks of a stage run beside each other, and a stage begins when the one before it has ended. The messages of a queue
 * batch are settled together, so that a long call would hold up the retries of its neighbours: long calls come last, and
 * before them the forty jobs, which have the queue to themselves. Requests without a key reach their limit at the very end.
 */
const STAGES: readonly (readonly Check[])[] = [
	[description, operatorStatus, oneJob, clock],
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
};

export type Verification = {
	/** By their numbers. */
	rows: Row[];
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
	const rows: Row[] = [];
	const lifetime = await outcomeOf(async () => {
		try {
			const tenant = await tenants.make("", {}, signal);
			const narrowTenant = await tenants.make("-narrow", { running_jobs: 1 }, signal);
			const run = { id, options, signal, receiver, tenant, narrowTenant, ...callers };
			if (options.isLocal && stages === STAGES) await tenants.turn(signal, watcher.waiting);
			for (const stage of stages) await runStage(run, stage, rows, watcher);
		} finally {
			await tenants.remove();
		}
		await tenants.expectKeysEnded();
		return "two made; deleted, and their keys are refused";
	});
	receiver.close();
	rows.push({ number: 4, name: "Tenants and keys", ...lifetime });
	return { rows: rows.toSorted((one, other) => one.number - other.number), left: tenants.left ?? killed };
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
