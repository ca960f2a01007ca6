/**
 * A provider that costs nothing and needs no network: its completions say that they are simulated, and `input.simulate`
 * makes it slow, failing or silent. It responds in HTTP like any other provider, so that it exercises the whole response
 * reader. It refuses every call unless ALLOW_SIMULATED is true: its calls occupy an isolate and cost their caller nothing.
 */
import type { JsonObject } from "../../core/json/json.ts";
import type { Runtime } from "../../core/runtime.ts";
import { routeFailure } from "../../core/upstreams/failures.ts";
import {
	isPlannedToStall,
	plannedFailure,
	type SimulatedResponse,
	Simulation,
	simulatedResponse,
} from "../../core/upstreams/simulation.ts";
import type { ModelCall, Provider } from "../port.ts";

type SimulatedRuntime = Pick<Runtime, "now" | "sleep">;

/** Tokens per event if the caller set no pace: a large completion must not become a million events. */
const TOKENS_PER_EVENT = 16;

const NOT_ALLOWED = "The simulated model is switched off: ALLOW_SIMULATED is not true.";

export function simulated(runtime: SimulatedRuntime, isAllowed: boolean): Provider {
	return async function callSimulated(call, signal) {
		if (!isAllowed) return { ok: false, failure: routeFailure("route_misconfigured", NOT_ALLOWED) };
		const input = call.input.toObject();
		const parsed = Simulation.safeParse(input.simulate ?? {});
		if (!parsed.success) return reply(refusal(400, `input.simulate.${whatIsWrong(parsed.error)}`));
		const plan = parsed.data;
		if (plan.latency_ms > 0) await runtime.sleep(plan.latency_ms, signal);
		signal.throwIfAborted();

		const status = plannedFailure(plan, call.callsBefore);
		if (status !== null) return reply(refusal(status, `Simulated failure ${status}.`, plan.retry_after));
		const stalls = isPlannedToStall(plan, call.callsBefore);
		const simulation = simulatedResponse(call.route.rename ?? call.model, input, plan.output_tokens);
		if (input.stream === true || plan.stream_chunk_ms !== undefined) {
			return reply(
				eventStream(
					runtime,
					headOf(call, runtime),
					simulation,
					{ chunkMs: plan.stream_chunk_ms ?? null, stalls },
					signal,
				),
			);
		}
		if (stalls) await untilAborted(signal);
		return reply(Response.json(completion(headOf(call, runtime), simulation)));
	};
}

function reply(response: Response) {
	return { ok: true as const, response, secrets: [] };
}

function headOf(call: ModelCall, runtime: Pick<Runtime, "now">): JsonObject {
	const model = call.route.rename ?? call.model;
	return { id: `chatcmpl-simulated-${call.jobId}`, created: Math.floor(runtime.now() / 1000), model };
}

function completion(head: JsonObject, { length, text, finishReason, usage }: SimulatedResponse): JsonObject {
	const message = { role: "assistant", content: text(0, length) };
	return { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: finishReason }], usage };
}

function eventStream(
	runtime: SimulatedRuntime,
	head: JsonObject,
	simulation: SimulatedResponse,
	plan: { chunkMs: number | null; stalls: boolean },
	signal: AbortSignal,
): Response {
	const tokensPerEvent = plan.chunkMs === null ? TOKENS_PER_EVENT : 1;
	const events = eventsOf(head, simulation, tokensPerEvent);
	// The middle: beside the text, a stream has four events.
	const stallsAt = plan.stalls ? Math.ceil((Math.ceil(simulation.length / tokensPerEvent) + 4) / 2) : null;
	const encoder = new TextEncoder();
	let sent = 0;
	const body = new ReadableStream<Uint8Array>({
		async pull(controller) {
			if (sent === stallsAt) await untilAborted(signal);
			if (plan.chunkMs !== null && sent > 0) await runtime.sleep(plan.chunkMs, signal);
			signal.throwIfAborted();
			const { done, value: event } = events.next();
			sent += 1;
			if (done) controller.close();
			else controller.enqueue(encoder.encode(`data: ${event}\n\n`));
		},
	});
	return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** Each event is made when it is sent: all at once, those of a large completion would not fit in an isolate. */
function* eventsOf(
	head: JsonObject,
	{ length, text, finishReason, usage }: SimulatedResponse,
	tokensPerEvent: number,
): Generator<string, void> {
	const chunk = (delta: JsonObject, reason: string | null) =>
		JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: reason }] });
	yield chunk({ role: "assistant", content: "" }, null);
	for (let at = 0; at < length; at += tokensPerEvent) {
		yield chunk({ content: text(at, at + tokensPerEvent) }, null);
	}
	yield chunk({}, finishReason);
	yield JSON.stringify({ ...head, choices: [], usage });
	yield "[DONE]";
}

/** Never resolves: rejects when the call is given up. */
function untilAborted(signal: AbortSignal): Promise<never> {
	return new Promise((_, reject) => {
		if (signal.aborted) reject(signal.reason);
		signal.addEventListener("abort", () => reject(signal.reason), { once: true });
	});
}

/** The code that OpenAI sends with this status. */
const CODES: Readonly<Record<number, string>> = {
	400: "invalid_simulate",
	401: "invalid_api_key",
	402: "insufficient_quota",
	404: "model_not_found",
	429: "rate_limit_exceeded",
};

function refusal(status: number, message: string, retryAfter?: number | string): Response {
	const headers = new Headers(retryAfter === undefined ? {} : { "retry-after": headerValue(retryAfter) });
	const type = status >= 500 ? "server_error" : "invalid_request_error";
	// A null body is the only one allowed with 304.
	if (status === 304) return new Response(null, { status, headers });
	return Response.json({ error: { message, type, code: CODES[status] ?? null, param: null } }, { status, headers });
}

/** Headers hold visible ASCII only: any other character of a nonsense value would throw. */
function headerValue(value: number | string): string {
	return String(value).replace(/[^\x20-\x7e]/g, "?");
}

function whatIsWrong(error: { issues: { path: PropertyKey[]; message: string }[] }): string {
	const first = error.issues[0];
	return first === undefined ? "is malformed" : `${first.path.join(".")}: ${first.message}`;
}
