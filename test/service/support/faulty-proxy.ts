/** Stands before the service and breaks one of its promises, in what it passes on in either direction. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

type Passing = { status: number; headers: Headers; text: string };

/** What becomes of the requests that match. Whatever it leaves out passes unchanged. */
export type Fault = {
	/** Method and path, such as `POST /v1/jobs`. */
	on: RegExp;
	/** Changes the parsed body. */
	body?: (body: Body) => void;
	/** Changes the headers, of which each request has its own. */
	headers?: (headers: Headers) => void;
	/** Changes the response; its text too. */
	response?: (response: Passing) => void;
	/** Responds itself: the service hears nothing. */
	instead?: { status: number; body: unknown };
};

// biome-ignore lint/suspicious/noExplicitAny: each fault knows the body that it breaks.
export type Body = any;

export async function openFaultyProxy(target: string, fault: Fault): Promise<{ url: string; close(): void }> {
	const server = createServer((request, response) => {
		pass(target, fault, request, response).catch(() => response.destroy());
	});
	await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
	const { port } = server.address() as AddressInfo;
	const close = () => {
		server.closeAllConnections();
		server.close();
	};
	return { url: `http://127.0.0.1:${port}`, close };
}

async function pass(target: string, fault: Fault, request: IncomingMessage, response: ServerResponse): Promise<void> {
	const { method = "GET", url = "/" } = request;
	const isFaulty = fault.on.test(`${method} ${url}`);
	const sent = await buffer(request);
	if (isFaulty && fault.instead !== undefined) {
		response.writeHead(fault.instead.status).end(JSON.stringify(fault.instead.body));
		return;
	}
	const headers = new Headers();
	for (const name of ["authorization", "content-type", "idempotency-key", "prefer", "range"]) {
		const value = request.headers[name];
		if (typeof value === "string") headers.set(name, value);
	}
	if (isFaulty) fault.headers?.(headers);
	let body: BodyInit | null = sent.length === 0 ? null : new Uint8Array(sent);
	if (isFaulty && fault.body !== undefined && body !== null) {
		const parsed: Body = JSON.parse(sent.toString());
		fault.body(parsed);
		body = JSON.stringify(parsed);
	}
	const answer = await fetch(target + url, { method, headers, body });
	const passing = { status: answer.status, headers: new Headers(answer.headers), text: await answer.text() };
	if (isFaulty) fault.response?.(passing);
	for (const [name, value] of passing.headers) {
		if (!["content-length", "content-encoding", "transfer-encoding", "connection"].includes(name))
			response.setHeader(name, value);
	}
	response.writeHead(passing.status).end(passing.text);
}

/** A change of the response's JSON. */
export function json(change: (body: Body) => void): (response: Passing) => void {
	return (response) => {
		const body: Body = JSON.parse(response.text);
		change(body);
		response.text = JSON.stringify(body);
	};
}
