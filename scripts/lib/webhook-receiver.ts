/** A receiver as a caller would write it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { Holdfast, type WebhookEvent } from "../../client/index.ts";

export type Receiver = { url: string; nextEvent: Promise<WebhookEvent>; close(): void };

/** Listens on a free local port. `nextEvent` rejects when a request arrives that is not a valid webhook. */
export async function openReceiver(secret: string): Promise<Receiver> {
	const { promise: nextEvent, resolve, reject } = Promise.withResolvers<WebhookEvent>();
	// It may reject before anything awaits it.
	nextEvent.catch(() => {});

	const { webhooks } = new Holdfast();
	const server = createServer(async (request, response) => {
		try {
			// The signature covers the raw bytes, so the body is verified before it is parsed.
			resolve(await webhooks.unwrap(await buffer(request), request.headers, secret));
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
