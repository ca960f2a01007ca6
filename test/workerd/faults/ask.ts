/** One request, as a caller's program makes it: it gets a whole answer, or it does not. */
import { env } from "cloudflare:workers";
import { ErrorBody } from "../../../shared/api/error.ts";
import { SECOND } from "../support/a-job.ts";
import { turn } from "./fault-gate.ts";
import type { World } from "./world.ts";

export interface Ask {
	json?: object;
	headers?: Record<string, string>;
	isAdmin?: boolean;
	waitSeconds?: number;
	/** What the repetition of a request that took effect is answered. */
	orElse?: number;
	/** An answer that is as good: whom we ask for it did not give another. */
	mayAnswer?: number;
	/** Each request makes a job of its own. */
	mayDouble?: boolean;
	/** Says with each request how often it has been tried before, as OpenAI's SDKs do. */
	countsTries?: boolean;
}

export interface Answer {
	status: number;
	headers: Headers;
	body: unknown;
}

/** How long a caller reads an answer that does not end. */
const READ_MS = 30 * SECOND;

/** Null: there was no whole answer. */
export async function askOnce(
	world: World,
	key: string,
	method: string,
	path: string,
	ask: Ask,
): Promise<Answer | null> {
	const { waitSeconds = 0, isAdmin = false } = ask;
	const headers = new Headers(ask.headers);
	headers.set("authorization", `Bearer ${isAdmin ? env.ADMIN_TOKEN : key}`);
	if (waitSeconds > 0) headers.set("prefer", `wait=${waitSeconds}`);
	if (ask.json !== undefined) headers.set("content-type", "application/json");
	const body = ask.json === undefined ? null : streamOf(JSON.stringify(ask.json));
	const request = new Request(`https://jobs.test${path}`, { method, headers, body });
	const response = await world.ask(request, waitSeconds * SECOND);
	const text = response === null ? null : await read(world, response);
	if (response === null || text === null) return null;
	const parsed: unknown = text === "" ? null : JSON.parse(text);
	const answer = { status: response.status, headers: response.headers, body: parsed };
	if (answer.status >= 500 && !isRefusal(answer)) world.problem(`${method} ${path} → ${answer.status} ${text}`);
	return answer;
}

/** What a fault of storage is answered: nothing is lost, come again. */
function isRefusal({ status, headers, body }: Answer): boolean {
	return status === 503 && headers.get("retry-after") !== null && ErrorBody.strict().safeParse(body).success;
}

/** Null: it breaks off, or does not end. */
async function read(world: World, response: Response): Promise<string | null> {
	let text: string | null | undefined;
	const reading = response.text().then(
		(whole) => {
			text = whole;
		},
		() => {
			text = null;
		},
	);
	// It is in memory, or on its way from R2 next door: no time passes.
	for (let turns = 0; turns < 50 && text === undefined; turns++) await turn();
	if (text === undefined) await world.until(reading, READ_MS);
	return text ?? null;
}

/** Is read without a turn of the event loop, in which the clock might move. */
function streamOf(text: string): ReadableStream<Uint8Array> {
	return new ReadableStream({
		start(controller) {
			controller.enqueue(new TextEncoder().encode(text));
			controller.close();
		},
	});
}
