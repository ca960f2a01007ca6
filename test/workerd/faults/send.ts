/** One request, as a caller's program makes it: it gets a whole response, or it does not. */
import { env } from "cloudflare:workers";
import { ErrorBody } from "../../../shared/api/error.ts";
import { streamOf } from "../../support/stream-of.ts";
import { SECOND } from "../support/a-job.ts";
import { turn } from "../world/gate.ts";
import type { World } from "../world/world.ts";

export interface Sent {
	json?: object;
	headers?: Record<string, string>;
	isAdmin?: boolean;
	waitSeconds?: number;
	/** The status where the request is repeated and took effect the first time. */
	statusOfRepeat?: number;
	/** Another status that is fine: what a request depends on may have failed. */
	otherStatus?: number;
	/** Each request makes a job of its own. */
	mayDouble?: boolean;
	/** Says with each request how often it has been tried before, as OpenAI's SDKs do. */
	countsTries?: boolean;
}

export interface Received {
	status: number;
	headers: Headers;
	body: unknown;
}

/** How long a caller reads a response that does not end. */
const READ_MS = 30 * SECOND;

/** Null: there was no whole response. */
export async function sendOnce(
	world: World,
	key: string,
	method: string,
	path: string,
	sent: Sent,
): Promise<Received | null> {
	const { waitSeconds = 0, isAdmin = false } = sent;
	const headers = new Headers(sent.headers);
	if (!headers.has("authorization")) headers.set("authorization", `Bearer ${isAdmin ? env.ADMIN_TOKEN : key}`);
	if (waitSeconds > 0) headers.set("prefer", `wait=${waitSeconds}`);
	if (sent.json !== undefined) headers.set("content-type", "application/json");
	const body = sent.json === undefined ? null : streamOf(JSON.stringify(sent.json));
	const request = new Request(`https://jobs.test${path}`, { method, headers, body });
	const response = await world.request(request, waitSeconds * SECOND);
	const text = response === null ? null : await read(world, response);
	if (response === null || text === null) return null;
	const parsed: unknown = text === "" ? null : JSON.parse(text);
	const received = { status: response.status, headers: response.headers, body: parsed };
	if (received.status >= 500 && !isRefusal(received)) world.problem(`${method} ${path} → ${received.status} ${text}`);
	return received;
}

/** The response to a fault of storage: nothing is lost, retry. */
function isRefusal({ status, headers, body }: Received): boolean {
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
