/** What lies outside: a model, behind the AI binding or at its own address, a resolver, and the receivers of webhooks. */
import { z } from "zod";
import { DNS_URL, type DnsReply, fakeDns, PUBLIC } from "../../support/fake-dns.ts";
import { streamOf } from "../../support/stream-of.ts";
import { standIn } from "../support/watched-d1.ts";
import { jobsIn } from "./bindings.ts";
import { brokenBody, type Call } from "./faults.ts";
import type { ProcessGate } from "./gate.ts";

export const MODEL_SERVER = "https://models.example-provider.com/v1";
export const RECEIVER = "https://hooks.acme-receiver.com/jobs";

/** What one HTTP call to the model comes to. */
export interface Step {
	/** 200 unless given: the result is then paid for. */
	status?: number;
	afterMs?: number;
	retryAfter?: number;
	/** Instead of a completion or a plain refusal. */
	says?: object;
	/** Happens before the model replies. */
	meanwhile?: () => Promise<void>;
}

export interface Received {
	at: number;
	url: string;
	init: RequestInit;
	headers: Record<string, string>;
	id: string;
	type: string;
	data: Record<string, unknown>;
	body: string;
}

/** How a receiver replies to one webhook. */
export type Reply = (received: Received) => Response | Promise<Response>;

/** `code`, to any webhook. */
export function status(code: number, headers: Record<string, string> = {}): Reply {
	return () => new Response(null, { status: code, headers });
}

/** There is no reply, ever. */
export const hangs: Reply = () => new Promise(() => undefined);

const Prompted = z.object({ messages: z.tuple([z.object({ content: z.string() })]) });
const Event = z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) });

type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export class Upstreams {
	/** By prompt: one step a call, the last repeats. */
	readonly script = new Map<string, Step[]>();
	/** By prompt: how many results were paid for. */
	readonly bought = new Map<string, number>();
	readonly received: Received[] = [];
	/** One a webhook, the last repeats. */
	replies: Reply[] = [status(204)];
	/** What DNS says of a host. */
	dns: (host: string) => DnsReply = () => PUBLIC;
	/** `A example.com`: each question to the resolver. */
	readonly questions: string[];
	/** How many webhooks got a reply other than 2xx. */
	refusals = 0;
	readonly #resolver = fakeDns((host) => this.dns(host));
	readonly #counted: ProcessGate["counted"];
	readonly #sleep: Sleep;
	readonly #calls = new Map<string, number>();

	constructor(counted: ProcessGate["counted"], sleep: Sleep) {
		this.#counted = counted;
		this.#sleep = sleep;
		this.questions = this.#resolver.asked;
	}

	/** A reply that takes `ms`. */
	after(ms: number, reply: Reply): Reply {
		return async (received) => {
			await this.#sleep(ms, received.init.signal ?? AbortSignal.abort());
			return await reply(received);
		};
	}

	bindingFor(gate: ProcessGate, ai: Ai): Ai {
		return standIn(ai, {
			run: (_model: string, input: object, { signal }: { signal: AbortSignal }) =>
				gate.pass(callTo("ai", "model", [promptOf(input)]), () => this.#think(input, signal), breakBody),
		});
	}

	fetch(gate: ProcessGate, url: string, init: RequestInit): Promise<Response> {
		const isQuestion = url.startsWith(DNS_URL);
		const isModel = url === `${MODEL_SERVER}/chat/completions`;
		const signal = init.signal ?? AbortSignal.abort();
		const text = init.body instanceof Uint8Array ? new TextDecoder().decode(init.body) : String(init.body);
		const about = isModel ? [promptOf(JSON.parse(text))] : jobsIn(text);
		const call: Call = callTo("fetch", isQuestion ? "addresses" : isModel ? "model" : "webhook", about);
		const run = () => {
			if (isQuestion) return this.#resolver.fetch(url, init);
			return isModel ? this.#think(JSON.parse(text), signal) : this.#receive(gate.now(), url, init);
		};
		return untilAborted(gate.pass({ ...call, isRead: isQuestion }, run, breakBody), signal);
	}

	async #think(input: unknown, signal: AbortSignal): Promise<Response> {
		const prompt = promptOf(input);
		const steps = this.script.get(prompt) ?? [{}];
		const call = this.#calls.get(prompt) ?? 0;
		this.#calls.set(prompt, call + 1);
		const {
			status = 200,
			afterMs = 1_000,
			retryAfter,
			says,
			meanwhile,
		} = steps[Math.min(call, steps.length - 1)] ?? {};
		if (meanwhile !== undefined) await this.#counted(meanwhile);
		await this.#sleep(afterMs, signal);
		signal.throwIfAborted();
		const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
		if (says !== undefined) return jsonResponse(says, status, headers);
		if (status !== 200) return jsonResponse(REFUSAL, status, headers);
		const times = (this.bought.get(prompt) ?? 0) + 1;
		this.bought.set(prompt, times);
		return jsonResponse(completion(`${prompt} #${times}`), status, headers);
	}

	async #receive(at: number, url: string, init: RequestInit): Promise<Response> {
		const headers = Object.fromEntries(new Headers(init.headers));
		const body = String(init.body);
		const one = { at, url, init, headers, body, id: headers["webhook-id"] ?? "", ...Event.parse(JSON.parse(body)) };
		const reply = this.replies[Math.min(this.received.length, this.replies.length - 1)] ?? status(204);
		this.received.push(one);
		const response = await reply(one);
		if (!response.ok) this.refusals += 1;
		return response;
	}
}

function callTo(outside: "ai" | "fetch", what: string, about: string[]): Call {
	return { name: `${outside} ${what}`, outside, isRead: false, hasBody: true, about };
}

export function promptOf(input: unknown): string {
	return Prompted.parse(input).messages[0].content;
}

const REFUSAL = { error: { message: "No.", type: "server_error", code: null, param: null } };

function completion(content: string): object {
	const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
	const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
	return { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m", choices, usage };
}

function jsonResponse(value: object, status: number, headers: Record<string, string>): Response {
	const body = streamOf(JSON.stringify(value));
	return new Response(body, { status, headers: { "content-type": "application/json", ...headers } });
}

function breakBody(ending: "breaks off" | "never ends", { status, headers }: Response): Response {
	return new Response(brokenBody(ending), { status: status === 204 ? 200 : status, headers });
}

/** As the platform's own `fetch`: an abort ends it, whatever the other side does. */
function untilAborted<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		if (signal.aborted) reject(signal.reason);
		signal.addEventListener("abort", () => reject(signal.reason), { once: true });
		call.then(resolve, reject);
	});
}
