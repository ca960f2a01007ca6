/** A receiver as a caller would write it: it trusts only what the `standardwebhooks` package has verified. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { PlainError } from "./terminal.ts";

export type ReceivedEvent = { id: string; type: string; data: { id: string; result?: unknown } };

export type Receiver = { url: string; nextEvent: Promise<ReceivedEvent>; close(): void };

/** Listens on a free local port. `nextEvent` rejects when a request with an invalid signature arrives. */
export async function openReceiver(secret: string): Promise<Receiver> {
	const webhook = new Webhook(secret);
	const { promise: nextEvent, resolve, reject } = Promise.withResolvers<ReceivedEvent>();
	// It may reject before anything awaits it.
	nextEvent.catch(() => {});

	const server = createServer(async (request, response) => {
		try {
			// The signature covers the raw bytes, so the body is verified before it is parsed.
			const body = await readBody(request);
			resolve(webhook.verify(body, request.headers as Record<string, string>) as ReceivedEvent);
			response.writeHead(204).end();
		} catch (error) {
			reject(new PlainError(`Received a webhook with an invalid signature: ${(error as Error).message}`));
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
