/**
 * `npm run demo`: one job from prompt to webhook. Starts the service on a free port with temporary state, submits a prompt
 * with the client, waits, receives and verifies the webhook, and prints a timeline. Touches neither `.wrangler` nor `.dev.vars`, sends
 * nothing beyond this machine, and leaves nothing behind. Exits 0 only if every step succeeded.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { type Delivery, Holdfast, type JobAnswer } from "../client/index.ts";
import { randomSecrets } from "./lib/env-file.ts";
import { timeline } from "./lib/job-timeline.ts";
import { localService } from "./lib/start-service.ts";
import { bold, complain, dim, green, PlainError, say } from "./lib/terminal.ts";
import { openReceiver, type Receiver } from "./lib/webhook-receiver.ts";

const PROMPT = "What are the three laws of thermodynamics, in one sentence each?";
const TIME_LIMIT_MS = 60_000;
const POLL_MS = 50;

async function main(): Promise<void> {
	const stateDir = mkdtempSync(join(tmpdir(), "holdfast-demo-"));
	const serviceLog: string[] = [];
	let isLeaving = false;
	const service = localService({
		root: resolve(import.meta.dirname, ".."),
		stateDir,
		port: await freePort(),
		// Neither .dev.vars nor the environment: the demo always uses the simulated models.
		readSecrets: randomSecrets,
		environment: {},
		print: (line) => serviceLog.push(line),
		onEnd: (reason) => void leave(1, new PlainError(reason)),
	});
	const leave = async (code: number, error?: unknown): Promise<void> => {
		if (isLeaving) return;
		isLeaving = true;
		if (error !== undefined) {
			complain(error);
			if (serviceLog.length > 0) say(dim(`Last output of the service:\n  ${serviceLog.slice(-20).join("\n  ")}`));
		}
		await service.stop();
		rmSync(stateDir, { recursive: true, force: true });
		process.exit(code);
	};
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void leave(130));
	// The reader of the output is gone, as with `| head`.
	process.stdout.on("error", () => void leave(130));
	const late = `The demo did not finish within ${TIME_LIMIT_MS / 1_000} seconds.`;
	setTimeout(() => void leave(1, new PlainError(late)), TIME_LIMIT_MS);

	try {
		say(`${bold("Holdfast demo")}: one job from prompt to webhook, on this machine.\n`);
		const { url, key } = await service.start();
		step(`Started the service on ${url}, with a simulated model and fresh state`);
		await runJob(new Holdfast({ baseUrl: url, apiKey: key }));
		await leave(0);
	} catch (error) {
		await leave(1, error);
	}
}

async function runJob(holdfast: Holdfast): Promise<void> {
	const { secret } = await holdfast.webhooks.signingSecret();
	const receiver = await openReceiver(secret);

	const submitted = await holdfast.jobs.submit({
		input: { messages: [{ role: "user", content: PROMPT }] },
		webhook: { url: receiver.url },
	});
	step(`Submitted a prompt and got a job id: ${submitted.id}`);

	const answer = await holdfast.jobs.answer(await holdfast.jobs.wait(submitted));
	const { job, text } = answer;
	step(`Waited until the job ${job.status}, and fetched the result`);

	await checkWebhook(receiver, answer);
	step(`Received the webhook at ${receiver.url} and verified its signature`);
	receiver.close();

	const deliveries = await recordedDeliveries(holdfast, job.id);
	const attempts = await holdfast.jobs.attempts(job.id);
	say(`\n${bold("Prompt")}\n  ${PROMPT}`);
	say(`\n${bold("Result")}\n  ${text.replaceAll("\n", "\n  ")}`);
	say(`\n${bold("Timeline")} ${dim("(UTC)")}`);
	for (const line of timeline(job, attempts, deliveries)) say(`  ${line}`);
	say(`\n${dim("Run npm start to keep the service running.")}`);
}

/** The signature proves the sender. This checks that the event is about this job and carries its result. */
async function checkWebhook(receiver: Receiver, { job, completion }: JobAnswer): Promise<void> {
	const { type, data } = await receiver.nextEvent;
	if (type !== "job.succeeded" || data.id !== job.id)
		throw new PlainError(`Expected job.succeeded for ${job.id}, but the webhook is ${type} for ${data.id}.`);
	if (!isDeepStrictEqual(data.result, completion))
		throw new PlainError("The result in the webhook differs from the stored one.");
}

/** Waits, because the receiver gets a webhook a moment before the service records its delivery. */
async function recordedDeliveries(holdfast: Holdfast, id: string): Promise<Delivery[]> {
	for (;;) {
		const deliveries = await holdfast.jobs.deliveries(id);
		if (deliveries.length > 0 && deliveries.every(({ status }) => status === "delivered")) return deliveries;
		await sleep(POLL_MS);
	}
}

function step(text: string): void {
	say(`  ${green("✓")} ${text}`);
}

async function freePort(): Promise<number> {
	const server = createServer().listen(0, "127.0.0.1");
	await new Promise((listening) => server.once("listening", listening));
	const address = server.address();
	await new Promise((closed) => server.close(closed));
	if (address === null || typeof address === "string") throw new PlainError("No free port found on this machine.");
	return address.port;
}

main().catch((error) => {
	complain(error);
	process.exitCode = 1;
});
