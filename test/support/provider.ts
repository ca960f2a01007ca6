/** A provider that answers each call as its test chooses, and remembers what it was sent and when. */
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { Answer } from "./answers.ts";
import { listen } from "./listen.ts";
import { textOf } from "./read-body.ts";

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
	/** In the order in which they came. Those that broke off before their body was whole are none. */
	calls: SeenCall[];
	port: number;
	close(): void;
}

const CalledModel = z.object({ model: z.string() });

/**
 * @param choose how to answer a call, which is in `calls` already
 * @param onOver hears of each call when its answer was whole, or its connection gone
 */
export async function openProvider(
	port: number,
	choose: (call: SeenCall, calls: readonly SeenCall[]) => Answer,
	onOver: (call: SeenCall) => void = () => undefined,
): Promise<Provider> {
	const calls: SeenCall[] = [];
	const server = await listen(port, async (request, response) => {
		const at = Date.now();
		const text = await textOf(request);
		if (text === null) return;
		const { model } = CalledModel.parse(JSON.parse(text));
		const { url: path = "", headers } = request;
		const call: SeenCall = { model, path, headers, text, at, overAt: null, isCut: false };
		calls.push(call);
		response.on("close", () => {
			call.overAt = Date.now();
			call.isCut = !response.writableFinished;
			onOver(call);
		});
		choose(call, calls)(response);
	});
	return { ...server, calls };
}
