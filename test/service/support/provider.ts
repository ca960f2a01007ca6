/** A provider that does what a test scripts for each model, call by call, and remembers what it was sent and when. */
import { createServer, type IncomingMessage } from "node:http";
import { z } from "zod";
import { type Answer, refusing } from "./answers.ts";

/** One call as the provider saw it. Times are Unix milliseconds. */
export interface SeenCall {
	model: string;
	path: string;
	headers: IncomingMessage["headers"];
	/** The body as it came. */
	text: string;
	at: number;
	/** When the answer was whole, or the connection was gone. Null: still open. */
	overAt: number | null;
	/** Whether the connection was gone before the answer was whole. */
	isCut: boolean;
}

export interface Provider {
	/** The first call for `model` gets the first answer, and so on. A call too many is a 400 that says so. */
	script(model: string, ...answers: Answer[]): void;
	/** All calls for any of `models`, in the order in which they came. */
	callsOf(...models: string[]): SeenCall[];
	close(): void;
}

const UNSCRIPTED = refusing(400, { message: "Nobody scripted this call." });
const CalledModel = z.object({ model: z.string() });

export async function openProvider(port: number): Promise<Provider> {
	const calls: SeenCall[] = [];
	const scripts = new Map<string, Answer[]>();
	const callsOf = (...models: string[]) => calls.filter(({ model }) => models.includes(model));

	const server = createServer(async (request, response) => {
		const at = Date.now();
		const text = await textOf(request);
		const { model } = CalledModel.parse(JSON.parse(text));
		const answer = scripts.get(model)?.[callsOf(model).length] ?? UNSCRIPTED;
		const { url: path = "", headers } = request;
		const call: SeenCall = { model, path, headers, text, at, overAt: null, isCut: false };
		calls.push(call);
		response.on("close", () => {
			call.overAt = Date.now();
			call.isCut = !response.writableFinished;
		});
		answer(response);
	});
	await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
	return {
		script: (model, ...answers) => scripts.set(model, answers),
		callsOf,
		close() {
			server.closeAllConnections();
			server.close();
		},
	};
}

async function textOf(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk);
	return Buffer.concat(chunks).toString();
}
