/** What answers outside: a model, behind the AI binding or at its own address, and the receiver of webhooks. */
import { z } from "zod";
import { type Gate, jobsIn } from "../support/bindings.ts";
import { brokenBody, type Call, type FaultKind } from "../support/fault.ts";
import { standIn } from "../support/watched-d1.ts";

export const MODEL_SERVER = "https://models.example-provider.com/v1";
export const RESOLVER = "https://dns.example-resolver.com/dns-query";
export const RECEIVER = "https://hooks.acme-receiver.com/jobs";
/** Nobody lives there any more. */
export const GONE_RECEIVER = `${RECEIVER}/gone`;

/** One call's course. */
export interface Step {
	/** 200 unless given: what the model says is then paid for. */
	status?: number;
	afterMs?: number;
	retryAfter?: number;
	/** Happens while the model is thinking. */
	meanwhile?: () => Promise<void>;
}

export interface Received {
	at: number;
	id: string;
	headers: Headers;
	type: string;
	jobId: string;
	body: string;
}

const Asked = z.object({ messages: z.tuple([z.object({ content: z.string() })]) });
const Event = z.object({ type: z.string(), data: z.object({ id: z.string() }) });

export class Upstreams {
	/** By prompt: one step a call, the last goes on for ever. */
	readonly script = new Map<string, Step[]>();
	/** By prompt: how many answers were paid for. */
	readonly bought = new Map<string, number>();
	readonly received: Received[] = [];
	/** What the receiver answers, one a webhook; 204 at once when they are used up. */
	readonly receipts: { status: number; afterMs?: number }[] = [];
	/** Of the receiver, as DNS has them. */
	addresses = ["93.184.215.14"];
	/** How many webhooks it did not take. */
	refusals = 0;
	readonly #gate: Pick<Gate, "counted" | "now">;
	readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>;
	readonly #calls = new Map<string, number>();

	constructor(gate: Pick<Gate, "counted" | "now">, sleep: (ms: number, signal: AbortSignal) => Promise<void>) {
		this.#gate = gate;
		this.#sleep = sleep;
	}

	bindingFor(gate: Gate, ai: Ai): Ai {
		return standIn(ai, {
			run: (_model: string, input: object, { signal }: { signal: AbortSignal }) =>
				gate.pass(callTo("ai", "model", [promptOf(input)]), () => this.#think(input, signal), breakBody),
		});
	}

	fetch(gate: Gate, url: string, init: RequestInit): Promise<Response> {
		if (url.startsWith(RESOLVER)) return this.#resolve(gate, url, init);
		const isModel = url === `${MODEL_SERVER}/chat/completions`;
		if (!isModel && !url.startsWith(RECEIVER)) throw new Error(`nothing answers at ${url}`);
		const signal = init.signal ?? AbortSignal.abort();
		const text = String(init.body);
		const about = isModel ? [promptOf(JSON.parse(text))] : jobsIn(text);
		const run = () => (isModel ? this.#think(JSON.parse(text), signal) : this.#receive(url, init));
		return untilAborted(gate.pass(callTo("fetch", isModel ? "model" : "webhook", about), run, breakBody), signal);
	}

	async #think(input: unknown, signal: AbortSignal): Promise<Response> {
		const prompt = promptOf(input);
		const steps = this.script.get(prompt) ?? [{}];
		const call = this.#calls.get(prompt) ?? 0;
		this.#calls.set(prompt, call + 1);
		const { status = 200, afterMs = 1_000, retryAfter, meanwhile } = steps[Math.min(call, steps.length - 1)] ?? {};
		if (meanwhile !== undefined) await this.#gate.counted(meanwhile);
		await this.#sleep(afterMs, signal);
		signal.throwIfAborted();
		const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
		if (status !== 200) return jsonResponse(REFUSAL, status, headers);
		const times = (this.bought.get(prompt) ?? 0) + 1;
		this.bought.set(prompt, times);
		return jsonResponse(completion(`${prompt} #${times}`), status, headers);
	}

	/** DNS over HTTPS, in JSON. */
	#resolve(gate: Gate, url: string, { signal }: RequestInit): Promise<Response> {
		const type = new URL(url).searchParams.get("type") === "AAAA" ? 28 : 1;
		const records = type === 1 ? this.addresses.map((data) => ({ type, data })) : [];
		const answer = async () => jsonResponse({ Status: 0, Answer: records }, 200, {});
		const call: Call = { name: "fetch addresses", outside: "fetch", isRead: true, hasBody: true, about: [] };
		return untilAborted(gate.pass(call, answer, breakBody), signal ?? AbortSignal.abort());
	}

	async #receive(url: string, init: RequestInit): Promise<Response> {
		const headers = new Headers(init.headers);
		const body = String(init.body);
		const { type, data } = Event.parse(JSON.parse(body));
		this.received.push({
			at: this.#gate.now(),
			id: headers.get("webhook-id") ?? "",
			headers,
			type,
			jobId: data.id,
			body,
		});
		const receipt = url === GONE_RECEIVER ? { status: 410 } : (this.receipts.shift() ?? { status: 204 });
		const { status, afterMs = 0 } = receipt;
		if (afterMs > 0) await this.#sleep(afterMs, init.signal ?? AbortSignal.abort());
		if (status >= 300) this.refusals += 1;
		return new Response(null, { status });
	}
}

function callTo(outside: "ai" | "fetch", what: string, about: string[]): Call {
	return { name: `${outside} ${what}`, outside, isRead: false, hasBody: true, about };
}

export function promptOf(input: unknown): string {
	return Asked.parse(input).messages[0].content;
}

const REFUSAL = { error: { message: "No.", type: "server_error", code: null, param: null } };

function completion(content: string): object {
	const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
	const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
	return { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "m", choices, usage };
}

/** Its body comes without a turn of the event loop, in which the clock might move. */
function jsonResponse(value: object, status: number, headers: Record<string, string>): Response {
	const body = new ReadableStream<Uint8Array>({
		start(controller) {
			controller.enqueue(new TextEncoder().encode(JSON.stringify(value)));
			controller.close();
		},
	});
	return new Response(body, { status, headers: { "content-type": "application/json", ...headers } });
}

function breakBody(fault: FaultKind, { status, headers }: Response): Response {
	return new Response(brokenBody(fault), { status: status === 204 ? 200 : status, headers });
}

/** As the platform's own `fetch`: an abort ends it, whatever the other side does. */
function untilAborted<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
	return new Promise((resolve, reject) => {
		if (signal.aborted) reject(signal.reason);
		signal.addEventListener("abort", () => reject(signal.reason), { once: true });
		call.then(resolve, reject);
	});
}
