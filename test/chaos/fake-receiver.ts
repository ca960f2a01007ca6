/**
 * The receiver: takes webhooks, refuses some, is slow with others or hangs. It believes only what `standardwebhooks` has
 * verified, and before it answers it asks the service whether what it was told is so.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook } from "standardwebhooks";
import type { Problem } from "../simulation/check-history.ts";
import { shaOf } from "../simulation/world/client.ts";
import { textOf } from "../support/read-body.ts";
import type { Client } from "./client.ts";
import { diceFor } from "./dice-for.ts";
import type { Recorder } from "./recorder.ts";

/** `unsaid`: it takes the event, and its answer is lost. */
const FATES = { taken: 850, refused: 80, slow: 50, unsaid: 15, hanging: 5 } as const;
type Fate = keyof typeof FATES;
const SLOW_MS_MAX = 3_000;

interface Told {
	type: string;
	data: { id: string; status: string; result?: unknown };
}

export class FakeReceiver {
	/** Webhooks that nobody should have sent. */
	readonly problems: Problem[] = [];
	readonly #seed: number;
	readonly #recorder: Recorder;
	readonly #postsOfTag = new Map<string, number>();
	readonly #server = createServer((request, response) => void this.#receive(request, response));
	#judge: { webhook: Webhook; clientNamed: (name: string) => Client } | null = null;
	#isCalm = false;

	constructor(seed: number, recorder: Recorder) {
		this.#seed = seed;
		this.#recorder = recorder;
	}

	/** @param secret what the service signs with */
	async open(port: number, secret: string, clientNamed: (name: string) => Client): Promise<void> {
		this.#judge = { webhook: new Webhook(secret), clientNamed };
		await new Promise<void>((listening) => this.#server.listen(port, "127.0.0.1", listening));
	}

	/** From here on nothing hangs: a drain would only have to wait for it. */
	calmDown(): void {
		this.#isCalm = true;
	}

	close(): void {
		this.#server.closeAllConnections();
		this.#server.close();
	}

	async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const body = await textOf(request);
		// Null: the service was killed while it spoke.
		if (body === null || this.#judge === null) return;
		const { webhook, clientNamed } = this.#judge;
		try {
			webhook.verify(body, request.headers as Record<string, string>);
		} catch (error) {
			this.problems.push({ invariant: "S12", message: `a webhook's signature is wrong: ${String(error)}: ${body}` });
		}
		const told = JSON.parse(body) as Told;
		const dice = this.#diceOf(request.url ?? "");
		const thrown = dice.weighted(FATES);
		const fate = this.#isCalm && thrown === "hanging" ? "taken" : thrown;
		this.#note(String(request.headers["webhook-id"]), told, fate);
		const { id: job } = told.data;
		await clientNamed(`receiver of ${job}`).ask({ path: `/v1/jobs/${job}` }, { op: "get", job });
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

	#note(webhookId: string, { type: eventType, data }: Told, fate: Fate): void {
		const isTaken = fate !== "refused" && fate !== "hanging";
		const { id: job, status, result } = data;
		this.#recorder.note("receiver", isTaken ? "ok" : "info", { op: "webhook", job, webhookId, eventType, kind: fate });
		if (eventType !== `job.${status}`)
			this.problems.push({ invariant: "S7", message: `${webhookId} says ${eventType} of ${job}, which is ${status}` });
		// What is inlined is what is stored, byte for byte once it is written as JSON again.
		if (result) this.#recorder.note("receiver", "ok", { op: "result", job, sha: shaOf(JSON.stringify(result)) });
	}
}
