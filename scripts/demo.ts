/**
 * `npm run demo`: one job from prompt to webhook. Starts the service on a free port with temporary state, submits a prompt,
 * polls, receives and verifies the webhook, and prints a timeline. Touches neither `.wrangler` nor `.dev.vars`, sends
 * nothing beyond this machine, and leaves nothing behind. Exits 0 only if every step succeeded.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { callForSuccess } from "./lib/call-api.ts";
import { randomSecrets } from "./lib/env-file.ts";
import { type DemoAttempt, type DemoDelivery, type DemoJob, timeline } from "./lib/job-timeline.ts";
import { localService } from "./lib/start-service.ts";
import { bold, complain, dim, green, PlainError, say } from "./lib/terminal.ts";
import { openReceiver, type Receiver } from "./lib/webhook-receiver.ts";

const PROMPT = "What are the three laws of thermodynamics, in one sentence each?";
const TIME_LIMIT_MS = 60_000;
const POLL_MS = 50;

type Api = { url: string; key: string };
type Completion = { choices: { message: { content: string } }[] };

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
		const api = await service.start();
		step(`Started the service on ${api.url}, with a simulated model and fresh state`);
		await runJob(api);
		await leave(0);
	} catch (error) {
		await leave(1, error);
	}
}

async function runJob(api: Api): Promise<void> {
	const { secret } = await get<{ secret: string }>(api, "/v1/webhook_signing_secret");
	const receiver = await openReceiver(secret);

	const submitted = await callForSuccess<DemoJob>(`${api.url}/v1/jobs`, {
		method: "POST",
		token: api.key,
		body: { input: { messages: [{ role: "user", content: PROMPT }] }, webhook: { url: receiver.url } },
	});
	step(`Submitted a prompt and got a job id: ${submitted.id}`);

	const job = await pollUntilFinal(api, submitted.id);
	const result = await get<Completion>(api, `/v1/jobs/${job.id}/result`);
	step(`Polled until the job ${job.status}, and fetched the result`);

	await checkWebhook(receiver, job, result);
	step(`Received the webhook at ${receiver.url} and verified its signature`);
	receiver.close();

	const deliveries = await recordedDeliveries(api, job.id);
	const attempts = await get<{ data: DemoAttempt[] }>(api, `/v1/jobs/${job.id}/attempts`);
	say(`\n${bold("Prompt")}\n  ${PROMPT}`);
	say(`\n${bold("Result")}\n  ${(result.choices[0]?.message.content ?? "").replaceAll("\n", "\n  ")}`);
	say(`\n${bold("Timeline")} ${dim("(UTC)")}`);
	for (const line of timeline(job, attempts.data, deliveries)) say(`  ${line}`);
	say(`\n${dim("Run npm start to keep the service running.")}`);
}

async function pollUntilFinal(api: Api, id: string): Promise<DemoJob> {
	for (;;) {
		const job = await get<DemoJob>(api, `/v1/jobs/${id}`);
		if (job.status === "succeeded") return job;
		if (job.status !== "queued" && job.status !== "running") {
			throw new PlainError(
				`The job ended as ${job.status} (${job.status_reason}): ${job.error?.message ?? "no reason given"}`,
			);
		}
		await sleep(POLL_MS);
	}
}

/** The signature proves the sender. This checks that the event is about this job and carries the polled result. */
async function checkWebhook(receiver: Receiver, job: DemoJob, result: Completion): Promise<void> {
	const event = await receiver.nextEvent;
	if (event.type !== "job.succeeded" || event.data.id !== job.id) {
		throw new PlainError(
			`Expected job.succeeded for ${job.id}, but the webhook is ${event.type} for ${event.data.id}.`,
		);
	}
	if (!isDeepStrictEqual(event.data.result, result))
		throw new PlainError("The result in the webhook differs from the stored one.");
}

/** Waits, because the receiver gets a webhook a moment before the service records its delivery. */
async function recordedDeliveries(api: Api, id: string): Promise<DemoDelivery[]> {
	for (;;) {
		const { data } = await get<{ data: DemoDelivery[] }>(api, `/v1/jobs/${id}/deliveries`);
		if (data.length > 0 && data.every((delivery) => delivery.status === "delivered")) return data;
		await sleep(POLL_MS);
	}
}

function get<T>(api: Api, path: string): Promise<T> {
	return callForSuccess<T>(`${api.url}${path}`, { token: api.key });
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
