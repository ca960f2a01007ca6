/** A receiver as a caller would write it, around the file that callers may copy. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type ReceivedEvent, receiveWebhook } from "../../shared/webhooks/receive.ts";
import { PlainError } from "./terminal.ts";

export type Receiver = { url: string; nextEvent: Promise<ReceivedEvent>; close(): void };

/** Listens on a free local port. `nextEvent` rejects when a request arrives that is not a valid webhook. */
export async function openReceiver(secret: string): Promise<Receiver> {
	const { promise: nextEvent, resolve, reject } = Promise.withResolvers<ReceivedEvent>();
	// It may reject before anything awaits it.
	nextEvent.catch(() => {});

	const server = createServer(async (request, response) => {
		try {
			// The signature covers the raw bytes, so the body is verified before it is parsed.
			const body = await readBody(request);
			const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)]);
			const event = receiveWebhook([secret], body, Object.fromEntries(headers));
			if (event === null) throw new PlainError("Received a webhook with an invalid signature or an old timestamp.");
			resolve(event);
			response.writeHead(204).end();
		} catch (error) {
			reject(error);
			response.writeHead(400).end();
		}
	});
	await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
	const { port } = server.address() as AddressInfo;
	return { url: `http://127.0.0.1:${port}/webhooks`, nextEvent, close: () => server.close() };
}

async function readBody(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk);
	return Buffer.concat(chunks).toString("utf8");
}
