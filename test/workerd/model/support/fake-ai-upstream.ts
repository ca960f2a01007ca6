/**
 * What stands behind the AI binding in tests: Node, outside of workerd. The real client of the binding runs, and its HTTP
 * comes here. A call is answered as its own input asks (`inputs.upstream`), and shown at `GET /calls/<job>`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import { textOf } from "../../../support/read-body.ts";

/** How a call wants to be answered. */
const Wish = z.object({
	status: z.number().default(200),
	headers: z.record(z.string(), z.string()).default({}),
	/** Text goes out as it stands, anything else as JSON. */
	body: z.unknown().optional(),
	/** Not before the call of this job was answered: overlapping calls are answered in an order that the test chooses. */
	after: z.string().optional(),
	/** The 400 for a call that asks for a stream. */
	streamRefusal: z.unknown().optional(),
	/** Never answered. */
	silent: z.boolean().default(false),
});

/** In another form than the answer's: what an answer quotes of the input is left out. */
const InBase64 = z
	.base64()
	.transform((text) => JSON.parse(Buffer.from(text, "base64").toString()))
	.pipe(Wish);

const Sent = z.object({
	inputs: z.looseObject({ upstream: InBase64, stream: z.boolean().optional() }),
	options: z.looseObject({ gateway: z.looseObject({ metadata: z.looseObject({ job: z.string() }) }) }),
});

interface Call {
	headers: IncomingMessage["headers"];
	body: unknown;
	isHungUp: boolean;
}

/** The port, one for the whole run: a project's configuration may be asked for more than once. */
export const fakeAiUpstream: () => Promise<number> = once(async () => {
	const calls = new Map<string, Call[]>();
	const answered = new Map<string, PromiseWithResolvers<void>>();
	const answerOf = (job: string) => {
		const known = answered.get(job) ?? Promise.withResolvers<void>();
		answered.set(job, known);
		return known;
	};

	async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const body: unknown = JSON.parse((await textOf(request)) ?? "");
		const { inputs, options } = Sent.parse(body);
		const { job } = options.gateway.metadata;
		const { upstream: wish } = inputs;
		const call: Call = { headers: request.headers, body, isHungUp: false };
		calls.set(job, [...(calls.get(job) ?? []), call]);
		response.on("close", () => {
			call.isHungUp = !response.writableFinished;
		});
		if (wish.silent) return;
		if (inputs.stream && wish.streamRefusal !== undefined) {
			response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify(wish.streamRefusal));
			return;
		}
		if (wish.after !== undefined) await answerOf(wish.after).promise;
		response.writeHead(wish.status, { "content-type": "application/json", ...wish.headers });
		response.end(typeof wish.body === "string" ? wish.body : JSON.stringify(wish.body ?? null), answerOf(job).resolve);
	}

	const server = createServer(async (request, response) => {
		const asked = /^\/calls\/(.+)$/.exec(request.url ?? "")?.[1];
		if (asked !== undefined) {
			response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(calls.get(asked) ?? []));
			return;
		}
		await take(request, response).catch((error) => response.writeHead(400).end(String(error)));
	});
	await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
	// It ends with the process that runs the tests, and does not keep it.
	server.unref();
	const address = server.address();
	if (address === null || typeof address === "string") throw new Error("no port");
	return address.port;
});

function once<T>(make: () => T): () => T {
	let made: { value: T } | null = null;
	return () => {
		made ??= { value: make() };
		return made.value;
	};
}
