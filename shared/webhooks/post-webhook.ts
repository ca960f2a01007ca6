/** One POST to a receiver, which may reply anything, slowly, or never. */
import type { Runtime } from "../core/runtime.ts";

/** From sending the first byte to receiving the last. */
const TIMEOUT_MS = 20_000;
/** How much of a reply is kept: enough to debug, too little to be worth stealing. */
const RESPONSE_BYTES_KEPT = 1_024;

export interface WebhookReply {
	/** Null: no reply. */
	status: number | null;
	headers: Headers;
	/** What went wrong, in words; null for a 2xx. */
	error: string | null;
	response: string | null;
	/** No reply within the time limit. */
	timedOut: boolean;
}

export async function postWebhook(
	runtime: Runtime,
	url: string,
	signature: Record<string, string>,
	body: string,
): Promise<WebhookReply> {
	const abort = new AbortController();
	const cancelTimer = runtime.timer(TIMEOUT_MS, () => abort.abort());
	try {
		const response = await runtime.fetch(url, {
			method: "POST",
			headers: { "content-type": "application/json", "user-agent": "Holdfast/1", ...signature },
			body,
			// A redirect is a failure (Standard Webhooks): following it would send the event to an unregistered address.
			redirect: "manual",
			signal: abort.signal,
		});
		const { status, headers } = response;
		const kept = await firstBytes(response, abort.signal);
		return { status, headers, error: problemWith(status, headers), response: kept, timedOut: false };
	} catch (error) {
		const timedOut = abort.signal.aborted;
		const words = timedOut ? `No reply within ${TIMEOUT_MS / 1000} s` : `Could not connect: ${reason(error)}`;
		return { status: null, headers: new Headers(), error: words, response: null, timedOut };
	} finally {
		cancelTimer();
	}
}

function problemWith(status: number, headers: Headers): string | null {
	if (status >= 200 && status < 300) return null;
	if (status >= 300 && status < 400 && headers.has("location")) {
		return `Replied ${status}; redirects are not followed, use the final URL`;
	}
	return `Replied ${status}; only 2xx counts as success`;
}

/** The head of the reply as text; the rest is cancelled unread. A reply that breaks off still counts. */
async function firstBytes(response: Response, timeIsUp: AbortSignal): Promise<string | null> {
	const reader = response.body?.getReader();
	if (reader === undefined) return null;
	const giveUp = () => void reader.cancel().catch(() => undefined);
	timeIsUp.addEventListener("abort", giveUp);
	const chunks: Uint8Array[] = [];
	let bytes = 0;
	try {
		while (bytes < RESPONSE_BYTES_KEPT) {
			const { done, value } = await reader.read();
			if (done) break;
			chunks.push(value.subarray(0, RESPONSE_BYTES_KEPT - bytes));
			bytes += value.byteLength;
		}
	} catch {
		// The bytes before the break are kept below. The status has been read already.
	}
	giveUp();
	return bytes === 0 ? null : await new Blob(chunks.map((chunk) => new Uint8Array(chunk))).text();
}

function reason(error: unknown): string {
	return error instanceof Error ? error.message.slice(0, 200) : "unknown";
}
