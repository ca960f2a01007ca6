/** A provider and a receiver in one server. It reads no more of a body than its beginning, so that large ones cost it little. */
import type { IncomingMessage } from "node:http";
import { answering, completion, refusing, slowly } from "../support/answers.ts";
import { listen } from "../support/listen.ts";

/** In a prompt: the provider refuses this one request, whatever others it takes. */
export const TOO_LARGE = "larger than the account's tokens a minute";
/** In a prompt: the provider needs longer than the job's `timeout_seconds`. */
export const LONG = "a long answer";

/** Longer than the second that a cut call lasts: the local queue runs a batch at a time, so calls wait for each other. */
const ORDINARY_MS = 1_200;
const LONG_MS = 3_000;
const HEAD_BYTES = 2_000;

const REFUSAL = refusing(429, {
	message:
		"Request too large for gpt in organization org-AbC123 on tokens per min (TPM): Limit 30000, Requested 60000.",
	type: "tokens",
	code: "rate_limit_exceeded",
});
const ANSWER = answering(completion("Because."));

export interface Upstream {
	modelUrl: string;
	receiverUrl: string;
	/** Events received so far. */
	received(): number;
	close(): void;
}

export async function openUpstream(): Promise<Upstream> {
	let received = 0;
	const { port, close } = await listen(0, async (request, response) => {
		const head = await headOf(request);
		if (request.url?.startsWith("/hook")) {
			received++;
			response.writeHead(204).end();
		} else if (head.includes(TOO_LARGE)) REFUSAL(response);
		else slowly(head.includes(LONG) ? LONG_MS : ORDINARY_MS, ANSWER)(response);
	});
	const url = `http://127.0.0.1:${port}`;
	return { modelUrl: `${url}/v1`, receiverUrl: `${url}/hook`, received: () => received, close };
}

async function headOf(request: IncomingMessage): Promise<string> {
	let head = "";
	try {
		for await (const chunk of request) if (head.length < HEAD_BYTES) head += String(chunk).slice(0, HEAD_BYTES);
	} catch {
		// The caller hung up: there is nobody to answer.
	}
	return head;
}
