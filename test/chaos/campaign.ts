/** One run: the service between its provider, its receiver and its callers, from the first start to the last look. */
import { setMaxListeners } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { callForSuccess } from "../../scripts/lib/call-api.ts";
import { randomSecrets } from "../../scripts/lib/env-file.ts";
import type { Problem } from "../simulation/check-history.ts";
import { FINAL_STATUSES } from "../simulation/history.ts";
import { freePort, freePortFrom } from "../support/ports.ts";
import { Callers } from "./callers.ts";
import { Client } from "./client.ts";
import { comeToRest } from "./come-to-rest.ts";
import { openFakeProvider } from "./fake-provider.ts";
import { ENDPOINT, FakeReceiver, type Secrets } from "./fake-receiver.ts";
import { doHarm } from "./harm.ts";
import { lookAtAll } from "./last-look.ts";
import { type Options, SERVICE_SETTINGS } from "./options.ts";
import { makePlan } from "./plan.ts";
import type { Recorder } from "./recorder.ts";
import { ServiceProcess } from "./service-process.ts";

/**
 * Below those that systems give to outgoing connections, and another for each run: two side by side would take the port
 * of a service that is just dead.
 */
const FIRST_PORT = 18_787 + (process.pid % 10_000);

/**
 * After the last harm. A webhook whose message was lost is redispatched after a minute, a failing model's breaker is open for
 * five at most, and the local broker hands out one batch at a time.
 */
const REST_MS_MAX = 420_000;
const REST_MS_PER_JOB = 100;

/** All of a job's ends, and its start. */
const ENDPOINT_EVENTS = ["job.started", ...FINAL_STATUSES.map((status) => `job.${status}`)];

export interface Place {
	stateDir: string;
	logPath: string;
}

/** Returns what the receiver complains of, and how long it took from the last harm until all was at rest. */
export async function campaign(
	options: Options,
	place: Place,
	recorder: Recorder,
): Promise<{ problems: Problem[]; restMs: number }> {
	const [port, providerPort, receiverPort] = [await freePortFrom(FIRST_PORT), await freePort(), await freePort()];
	const route = { match: "*", provider: "openai-compatible", base_url: `http://127.0.0.1:${providerPort}/v1` };
	const environment = { ...SERVICE_SETTINGS, ...randomSecrets(), MODEL_ROUTES: JSON.stringify([route]) };
	const provider = await openFakeProvider(providerPort, options.seed, recorder);
	const receiver = new FakeReceiver(options.seed, recorder);
	const service = new ServiceProcess({ ...place, port, environment });
	const over = new AbortController();
	setMaxListeners(0, over.signal);
	// However this process ends, the service ends with it.
	process.on("exit", () => service.signal("SIGKILL"));
	try {
		await service.start();
		const key = readKey(place.stateDir);
		const clientNamed = (name: string) => new Client(recorder, { url: service.url, key }, name);
		const webhookUrl = `http://127.0.0.1:${receiverPort}`;
		await receiver.open(receiverPort, await secretsOf(service.url, key, webhookUrl), clientNamed);
		recorder.note("owner", "ok", { op: "endpoint", receiver: ENDPOINT, wants: ENDPOINT_EVENTS });
		const plan = makePlan(options, webhookUrl);

		const callers = new Callers(clientNamed, over.signal);
		const lives = Promise.all(plan.jobs.map((job) => callers.live(job)));
		// A caller that was refused ends the run at once.
		await Promise.race([doHarm(service, plan.actions, recorder), failureOf(lives)]);
		const harmedAt = recorder.now;
		provider.calmDown();
		receiver.calmDown();

		const restMsMax = REST_MS_MAX + REST_MS_PER_JOB * options.jobs;
		await Promise.race([lives, sleep(restMsMax, undefined, { ref: false })]);
		over.abort();
		await lives;
		await comeToRest(recorder, clientNamed, harmedAt + restMsMax);
		const restMs = recorder.now - harmedAt;
		await lookAtAll(recorder, clientNamed);
		await service.stop();
		return { problems: receiver.problems, restMs };
	} finally {
		over.abort();
		service.signal("SIGKILL");
		provider.close();
		receiver.close();
	}
}

/** Rejects as `work` does, and never resolves. */
async function failureOf(work: Promise<unknown>): Promise<never> {
	await work;
	return await new Promise<never>(() => undefined);
}

/** Registers the receiver that hears of all jobs. */
async function secretsOf(url: string, key: string, webhookUrl: string): Promise<Secrets> {
	const oneOff = await callForSuccess<{ secret: string }>(`${url}/v1/webhook_signing_secret`, { token: key });
	const endpoint = await callForSuccess<{ signing_secret: string }>(`${url}/v1/webhook_endpoints`, {
		method: "POST",
		token: key,
		body: { name: ENDPOINT, url: `${webhookUrl}/${ENDPOINT}`, event_types: ["job.*"] },
	});
	return { oneOff: oneOff.secret, endpoint: endpoint.signing_secret };
}

function readKey(stateDir: string): string {
	const { key } = JSON.parse(readFileSync(join(stateDir, "development-key.json"), "utf8")) as { key: string };
	return key;
}
