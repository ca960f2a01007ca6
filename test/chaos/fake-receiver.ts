/**
 * The receiver: takes webhooks, refuses some, is slow with others or hangs. It believes only what `standardwebhooks` has
 * verified, and before it answers it polls the service to see whether the webhook is true.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import type { Problem } from "../simulation/check-history.ts";
import { shaOf } from "../simulation/world/client.ts";
import { listen } from "../support/listen.ts";
import { textOf } from "../support/read-body.ts";
import type { Client } from "./client.ts";
import { diceFor } from "./dice-for.ts";
import type { Recorder } from "./recorder.ts";

/** `unsaid`: it takes the event, and its answer is lost. */
const FATES = { taken: 850, refused: 80, slow: 50, unsaid: 15, hanging: 5 } as const;
type Fate = keyof typeof FATES;
/** Of the registered receiver: it fails now and then, and is not paused for most of a short run. */
const ENDPOINT_FATES = { ...FATES, refused: 40, hanging: 1 };
/** Where the registered receiver listens, and its name in the history. */
export const ENDPOINT = "endpoint";
const SLOW_MS_MAX = 3_000;

interface ReceivedEvent {
	type: string;
	data: { id: string; status: string; result?: unknown };
}

/** For each kind of receiver the secret that signs what it gets. */
export interface Secrets<Secret = string> {
	oneOff: Secret;
	endpoint: Secret;
}

export class FakeReceiver {
	/** Webhooks that should not have been sent. */
	readonly problems: Problem[] = [];
	readonly #seed: number;
	readonly #recorder: Recorder;
	readonly #postsOfTag = new Map<string, number>();
	#server: { close(): void } | null = null;
	#check: { webhooks: Secrets<Webhook>; clientNamed: (name: string) => Client } | null = null;
	#isCalm = false;

	constructor(seed: number, recorder: Recorder) {
		this.#seed = seed;
		this.#recorder = recorder;
	}

	/** @param secrets what the service signs with */
	async open(port: number, secrets: Secrets, clientNamed: (name: string) => Client): Promise<void> {
		const webhooks = { oneOff: new Webhook(secrets.oneOff), endpoint: new Webhook(secrets.endpoint) };
		this.#check = { webhooks, clientNamed };
		this.#server = await listen(port, (request, response) => void this.#receive(request, response));
	}

	/** From here on nothing hangs: a drain would only have to wait for it. */
	calmDown(): void {
		this.#isCalm = true;
	}

	close(): void {
		this.#server?.close();
	}

	async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const body = await textOf(request);
		// Null: the service was killed while it spoke.
		if (body === null || this.#check === null) return;
		const { webhooks, clientNamed } = this.#check;
		const isEndpoint = request.url === `/${ENDPOINT}`;
		try {
			webhooks[isEndpoint ? "endpoint" : "oneOff"].verify(body, request.headers as Record<string, string>);
		} catch (error) {
			this.problems.push({ invariant: "S12", message: `a webhook's signature is wrong: ${String(error)}: ${body}` });
		}
		const event = JSON.parse(body) as ReceivedEvent;
		const webhookId = String(request.headers["webhook-id"]);
		const { id: job } = event.data;
		// The registered receiver identifies posts by their event, whose id differs from run to run.
		const dice = this.#diceOf(isEndpoint ? `${request.url} of ${webhookId}` : (request.url ?? ""));
		const thrown = dice.weighted(isEndpoint ? ENDPOINT_FATES : FATES);
		const fate = this.#isCalm && thrown === "hanging" ? "taken" : thrown;
		this.#note(webhookId, event, fate, isEndpoint ? { receiver: ENDPOINT } : {});
		await clientNamed(`${isEndpoint ? ENDPOINT : "receiver"} of ${job}`).ask(
			{ path: `/v1/jobs/${job}` },
			{ op: "get", job },
		);
		await sleep(fate === "slow" ? dice.between(500, SLOW_MS_MAX) : 0);
		if (fate === "hanging") return;
		if (fate === "unsaid") return void response.destroy();
		response.writeHead(fate === "refused" ? dice.pick([500, 502, 503]) : 204).end();
	}

	/** The nth post for a job has the same fate whenever it comes. */
	#diceOf(path: string) {
		const nth = (this.#postsOfTag.get(path) ?? 0) + 1;
		this.#postsOfTag.set(path, nth);
		return diceFor(this.#seed, `post ${nth} to ${path}`);
	}

	#note(webhookId: string, { type: eventType, data }: ReceivedEvent, fate: Fate, to: { receiver?: string }): void {
		const isTaken = fate !== "refused" && fate !== "hanging";
		const { id: job, status, result } = data;
		const seen = { op: "webhook" as const, job, webhookId, eventType, kind: fate, ...to };
		this.#recorder.note("receiver", isTaken ? "ok" : "info", seen);
		if (eventType !== "job.started" && eventType !== `job.${status}`)
			this.problems.push({ invariant: "S7", message: `${webhookId} says ${eventType} of ${job}, which is ${status}` });
		// What is inlined is what is stored, byte for byte once it is written as JSON again.
		if (result) this.#recorder.note("receiver", "ok", { op: "result", job, sha: shaOf(JSON.stringify(result)) });
	}
}
