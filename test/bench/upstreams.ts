/** What all systems under measurement share: one model that takes 20 ms, and one receiver. Both remember when. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { freePort } from "../support/ports.ts";
import { textOf } from "../support/read-body.ts";

const MODEL_MS = 20;

const ANSWER = "A job that was answered 202 reaches exactly one final state, whatever is killed in between. ".repeat(4);

export interface Upstreams {
	/** Of an OpenAI-compatible API. */
	modelUrl: string;
	hookUrl: string;
	/** How many webhooks have come, each tag counted once. */
	received: number;
	/** Resolves with the time of the first webhook for `tag`, by the clock of `performance.now()`. */
	arrival(tag: string): Promise<number>;
	/** When the model was asked by the job with this tag, and when it had answered, by the same clock. */
	modelCall(tag: string): ModelCall;
	close(): void;
}

interface ModelCall {
	startedAt: number;
	endedAt: number;
}

/** The first word of a prompt is its tag, and the last part of the receiver's path. */
export async function openUpstreams(): Promise<Upstreams> {
	const calls = new Map<string, ModelCall>();
	const arrivals = new Map<string, number>();
	const waiting = new Map<string, (at: number) => void>();
	const [model, receiver] = await Promise.all([
		serve((request, response) => void answerCall(request, response, calls)),
		serve((request, response) => {
			const at = performance.now();
			const tag = (request.url ?? "").split("/").at(-1) ?? "";
			request.resume().on("end", () => response.writeHead(204).end());
			if (arrivals.has(tag)) return;
			arrivals.set(tag, at);
			waiting.get(tag)?.(at);
			waiting.delete(tag);
		}),
	]);
	return {
		modelUrl: `http://127.0.0.1:${model.port}/v1`,
		hookUrl: `http://127.0.0.1:${receiver.port}/hook`,
		get received() {
			return arrivals.size;
		},
		async arrival(tag) {
			return arrivals.get(tag) ?? (await new Promise<number>((resolve) => waiting.set(tag, resolve)));
		},
		modelCall(tag) {
			const call = calls.get(tag);
			if (call === undefined) throw new Error(`the model has not answered ${tag}`);
			return call;
		},
		close() {
			for (const { server } of [model, receiver]) {
				server.closeAllConnections();
				server.close();
			}
		},
	};
}

async function answerCall(request: IncomingMessage, response: ServerResponse, calls: Map<string, ModelCall>) {
	const startedAt = performance.now();
	const body = await textOf(request);
	if (body === null) return;
	const { messages }: { messages: { content: string }[] } = JSON.parse(body);
	const tag = messages[0]?.content.split(" ")[0] ?? "";
	setTimeout(() => {
		response.writeHead(200, { "content-type": "application/json" });
		calls.set(tag, { startedAt, endedAt: performance.now() });
		response.end(completionFor(tag));
	}, MODEL_MS);
}

function completionFor(tag: string): string {
	return JSON.stringify({
		id: `chatcmpl-${tag}`,
		object: "chat.completion",
		created: 1_790_000_000,
		model: "bench",
		choices: [{ index: 0, message: { role: "assistant", content: `${tag} ${ANSWER}` }, finish_reason: "stop" }],
		usage: { prompt_tokens: 40, completion_tokens: 80, total_tokens: 120 },
	});
}

async function serve(
	answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; port: number }> {
	const port = await freePort();
	const server = createServer(answer);
	// Node would close a connection that rests for five seconds, at times just when the next call goes out on it.
	server.keepAliveTimeout = 0;
	await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
	return { server, port };
}
