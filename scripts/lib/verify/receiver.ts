/**
 * Where webhooks of a run go: an httpbin, whose replies show what it received. Of a reply the service keeps the first KiB,
 * and that is what is looked at, so that a receiver needs no way back to this machine.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

export type Receiver = {
	echo: string;
	slow: string;
	redirecting: string;
	/** Whether it is part of this run, and so never fails. */
	isOurs: boolean;
	close(): void;
};

export const HTTPBIN = "https://httpbin.org/post";

/** How long the slow receiver takes. */
export const SLOW_MS = 5_000;

/** @param echo a URL of an httpbin that responds with what it received */
export function receiverAt(echo: string): Receiver {
	const at = (path: string) => new URL(path, echo).href;
	const redirecting = at(`/redirect-to?url=${encodeURIComponent(echo)}`);
	return { echo, slow: at(`/delay/${SLOW_MS / 1_000}`), redirecting, isOurs: false, close: () => undefined };
}

/** As much of httpbin as the checks need, on this machine. */
export async function openLocalReceiver(): Promise<Receiver> {
	const server = createServer((request, response) => void reply(request, response));
	await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
	const { port } = server.address() as AddressInfo;
	return { ...receiverAt(`http://127.0.0.1:${port}/post`), isOurs: true, close: () => close(server) };
}

async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
	const data = await text(request);
	if (request.url?.startsWith("/redirect-to")) {
		response.writeHead(302, { location: "/post" }).end();
		return;
	}
	if (request.url?.startsWith("/delay/")) await sleep(SLOW_MS);
	response.writeHead(200, { "content-type": "application/json" });
	response.end(JSON.stringify({ data, headers: request.headers }));
}

function close(server: Server): void {
	server.closeAllConnections();
	server.close();
}

export type Echo = {
	/** Whether the receiver's whole reply was kept. */
	isWhole: boolean;
	/** The body that was received, as far as it was kept. */
	data: string;
	header(name: string): string | null;
};

/** Reads the first KiB of an httpbin's reply, which is JSON that may be cut off anywhere. */
export function readEcho(reply: string): Echo {
	const data = /"data"\s*:\s*"((?:[^"\\]|\\.)*)/s.exec(reply)?.[1] ?? "";
	return {
		isWhole: isJson(reply),
		data: unescaped(data),
		// Some httpbins list the values of each header.
		header: (name) => new RegExp(`"${name}"\\s*:\\s*\\[?\\s*"([^"]*)"`, "i").exec(reply)?.[1] ?? null,
	};
}

function isJson(reply: string): boolean {
	return parsedOrNull(reply) !== null;
}

/** The cut may go through an escape. */
function unescaped(json: string): string {
	return String(parsedOrNull(`"${json.replace(/\\(u.{0,3})?$/, "")}"`) ?? "");
}

function parsedOrNull(json: string): unknown {
	try {
		return JSON.parse(json);
	} catch {
		return null;
	}
}
