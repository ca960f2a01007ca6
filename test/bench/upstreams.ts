/** What all systems under measurement share: one model that takes 20 ms, and one receiver. Both remember when. */
import { answering, completion, slowly } from "../support/answers.ts";
import { listen } from "../support/listen.ts";
import { openProvider } from "../support/provider.ts";

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
		openProvider(0, ({ text }) => {
			const startedAt = performance.now();
			const { messages }: { messages: { content: string }[] } = JSON.parse(text);
			const tag = messages[0]?.content.split(" ")[0] ?? "";
			return slowly(MODEL_MS, (response) => {
				calls.set(tag, { startedAt, endedAt: performance.now() });
				answering(completion(`${tag} ${ANSWER}`))(response);
			});
		}),
		listen(0, (request, response) => {
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
			for (const server of [model, receiver]) server.close();
		},
	};
}
