/**
 * A provider that costs nothing and needs no network: its completions say that they are simulated, and `input.simulate`
 * makes it slow, failing or silent. It responds in HTTP like any other provider, so that it exercises the whole response
 * reader.
 */
import type { JsonObject } from "../../core/json/json.ts";
import type { Runtime } from "../../core/runtime.ts";
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

export function simulated(runtime: SimulatedRuntime): Provider {
	return async function callSimulated(call, signal) {
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

function completion(head: JsonObject, { tokens, finishReason, usage }: SimulatedResponse): JsonObject {
	const message = { role: "assistant", content: tokens.join("") };
	return { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: finishReason }], usage };
}

function eventStream(
	runtime: SimulatedRuntime,
	head: JsonObject,
	simulation: SimulatedResponse,
	plan: { chunkMs: number | null; stalls: boolean },
	signal: AbortSignal,
): Response {
	const events = eventsOf(head, simulation, plan.chunkMs === null ? TOKENS_PER_EVENT : 1);
	const stallsAt = plan.stalls ? Math.ceil(events.length / 2) : events.length;
	const encoder = new TextEncoder();
	let next = 0;
	const body = new ReadableStream<Uint8Array>({
		async pull(controller) {
			if (next === stallsAt && next < events.length) await untilAborted(signal);
			if (plan.chunkMs !== null && next > 0) await runtime.sleep(plan.chunkMs, signal);
			signal.throwIfAborted();
			const event = events[next++];
			if (event === undefined) controller.close();
			else controller.enqueue(encoder.encode(`data: ${event}\n\n`));
		},
	});
	return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

function eventsOf(
	head: JsonObject,
	{ tokens, finishReason, usage }: SimulatedResponse,
	tokensPerEvent: number,
): string[] {
	const chunk = (delta: JsonObject, reason: string | null) =>
		JSON.stringify({ ...head, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: reason }] });
	const events = [chunk({ role: "assistant", content: "" }, null)];
	for (let at = 0; at < tokens.length; at += tokensPerEvent) {
		events.push(chunk({ content: tokens.slice(at, at + tokensPerEvent).join("") }, null));
	}
	events.push(chunk({}, finishReason), JSON.stringify({ ...head, choices: [], usage }), "[DONE]");
	return events;
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
