/** Calls, provider answers and an `callModel` for tests: a test names only what it is about. */
import type { JsonObject } from "../../shared/core/json/json.ts";
import { JsonBody } from "../../shared/core/json/json-body.ts";
import type { ModelRoute } from "../../shared/core/upstreams/model-routes.ts";
import { type CallModelDeps, callModel } from "../../shared/model/call-model.ts";
import type { ModelCall, ModelOutcome } from "../../shared/model/port.ts";
import type { FakeRuntime } from "./fake-runtime.ts";

export const COMPATIBLE: ModelRoute = {
	match: "*",
	provider: "openai-compatible",
	base_url: "https://provider.test/v1",
};

export type CallFacts = Partial<Omit<ModelCall, "input">> & { input?: JsonObject };

/** What was sent, whether as text or as bytes. */
export const sentIn = (init: RequestInit) => new Response(init.body ?? null).json<JsonObject>();

export const jsonBody = (value: object) => new JsonBody(new TextEncoder().encode(JSON.stringify(value)));

export function aCall({ input, ...overrides }: CallFacts = {}): ModelCall {
	return {
		model: "maker/model",
		// Each its own: what a server refused is remembered by route.
		route: { ...COMPATIBLE },
		input: jsonBody(input ?? { messages: [{ role: "user", content: "Why?" }] }),
		callsBefore: 0,
		timeoutMs: 600_000,
		tenantId: "ten_1",
		jobId: "job_1",
		gateway: null,
		roomFor: () => null,
		...overrides,
	};
}

/** Asks without a binding and without secrets, unless given. */
export function asking(runtime: FakeRuntime, deps: Partial<CallModelDeps> = {}) {
	const ai = { run: async () => Promise.reject(new Error("Binding AI needs to be run remotely")) };
	const ask = callModel({ runtime, ai, signingKey: "s".repeat(43), secret: () => null, allowSimulated: true, ...deps });
	return (call: CallFacts = {}, signal = new AbortController().signal) => ask(aCall(call), signal);
}

/** The outcome where it is there, else "waiting": a test moves the clock until it is. */
export function watched(outcome: Promise<ModelOutcome>): { now: () => ModelOutcome | "waiting" } {
	let seen: ModelOutcome | "waiting" = "waiting";
	outcome.then((settledOutcome) => {
		seen = settledOutcome;
	});
	return { now: () => seen };
}

/** A body that the test feeds, and that tells whether its reader cancelled it. */
export function aBody() {
	let controller: ReadableStreamDefaultController<Uint8Array>;
	let isCancelled = false;
	const stream = new ReadableStream<Uint8Array>({
		start(given) {
			controller = given;
		},
		cancel() {
			isCancelled = true;
		},
	});
	return {
		stream,
		isCancelled: () => isCancelled,
		send: (text: string) => controller.enqueue(new TextEncoder().encode(text)),
		end: () => controller.close(),
		breakOff: () => controller.error(new TypeError("terminated")),
	};
}

export function eventStream(body: ReadableStream<Uint8Array>): Response {
	return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

export const sseOf = (...events: JsonObject[]) => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
export const piece = (content: string): JsonObject => ({
	choices: [{ index: 0, delta: { content }, finish_reason: null }],
});
export const ending: JsonObject = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
