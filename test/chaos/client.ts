/** A caller's line to the service, which may be dead: asks, writes down what was asked and what came, and never throws. */
import type { HistoryEvent } from "../simulation/history.ts";
import { type Facts, type JobSeen, jobOf, type PlainAnswer, whatCame } from "../simulation/world/client.ts";
import type { Recorder } from "./recorder.ts";

export interface Asked {
	method?: "GET" | "POST";
	path: string;
	headers?: Record<string, string>;
	body?: string;
	/** How long the caller waits for the answer. */
	patienceMs?: number;
}

export interface Heard {
	answer: PlainAnswer;
	job: JobSeen | null;
}

/** Shorter than a pause of the service: callers see it, and ask again. */
const PATIENCE_MS = 4_000;

export class Client {
	readonly #recorder: Recorder;
	readonly #url: string;
	readonly #key: string;
	readonly #name: string;

	/** @param name one client does one thing at a time */
	constructor(recorder: Recorder, api: { url: string; key: string }, name: string) {
		this.#recorder = recorder;
		this.#url = api.url;
		this.#key = api.key;
		this.#name = name;
	}

	async ask(asked: Asked, facts: Facts): Promise<Heard> {
		const end = this.#recorder.begin(this.#name, facts);
		const answer = await this.#send(asked);
		end({ ...whatCame(facts.op, answer), ...(facts.op === "result" ? answeredTag(answer) : {}) });
		return { answer, job: jobOf(answer) };
	}

	/** Null: nothing came, or not all of it. */
	async #send({ method = "GET", path, headers = {}, body, patienceMs = PATIENCE_MS }: Asked): Promise<PlainAnswer> {
		const authorization = `Bearer ${this.#key}`;
		const init: RequestInit = { method, headers: { ...headers, authorization } };
		if (body !== undefined) {
			init.body = body;
			init.headers = { ...headers, authorization, "content-type": "application/json" };
		}
		try {
			const response = await fetch(`${this.#url}${path}`, { ...init, signal: AbortSignal.timeout(patienceMs) });
			return { code: response.status, text: await response.text() };
		} catch {
			// Refused, reset or out of time: what became of it is not known.
			return null;
		}
	}
}

/** Whose prompt a result answers: the provider repeats its first word. */
function answeredTag(answer: PlainAnswer): Pick<HistoryEvent, "tag"> {
	if (answer?.code !== 200) return {};
	const { choices } = JSON.parse(answer.text) as { choices: { message: { content: string } }[] };
	return { tag: choices[0]?.message.content.split(" ")[0] ?? "" };
}
