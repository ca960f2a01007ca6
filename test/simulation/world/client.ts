/** A caller: calls the API, records each request and its response, and hands the response to a callback. */
import { createHash } from "node:crypto";
import type { HistoryEvent } from "../history.ts";
import type { Answer, Asked, Http } from "./http.ts";
import type { World } from "./world.ts";

export interface Tenant {
	tenantId: string;
	key: string;
	/** Signs what is sent to its jobs' one-off receivers. */
	secret: string;
}

/** What the body of an answer says about a job. */
export interface JobSeen {
	id: string;
	status: string;
	version: number;
	retry_of: string | null;
	metadata: { tag?: string };
}

export type Facts = Partial<HistoryEvent> & Pick<HistoryEvent, "op">;

export class Client {
	readonly name: string;
	readonly tenant: Tenant;
	readonly #world: World;
	readonly #http: Http;
	readonly #history: HistoryEvent[];

	constructor(world: World, http: Http, history: HistoryEvent[], name: string, tenant: Tenant) {
		this.#world = world;
		this.#http = http;
		this.#history = history;
		this.name = name;
		this.tenant = tenant;
	}

	/** @param react gets the job where the response shows one */
	ask(
		asked: Omit<Asked, "key">,
		facts: Facts,
		react: (answer: Answer, job: JobSeen | null) => void = () => undefined,
	): void {
		const base = { client: this.name, tenant: this.tenant.tenantId, request: this.#history.length, ...facts };
		this.#history.push({ at: this.#world.now, type: "invoke", ...base });
		this.#http.ask({ ...asked, key: this.tenant.key }, (answer) => {
			this.#history.push({ at: this.#world.now, ...base, ...whatCame(facts.op, answer) });
			react(answer, jobOf(answer));
		});
	}
}

/** What goes into the history of an answer to `op`. A 5xx may hide a commit, as no answer does. */
export function whatCame(
	op: HistoryEvent["op"],
	answer: PlainAnswer,
): Partial<HistoryEvent> & { type: "ok" | "fail" | "info" } {
	if (answer === null) return { type: "info" };
	const { code, text } = answer;
	const job = jobOf(answer);
	return {
		type: code >= 500 ? "info" : code < 300 ? "ok" : "fail",
		code,
		...(job === null ? {} : { job: job.id, status: job.status, version: job.version }),
		...(op === "result" && code === 200 ? { sha: shaOf(text) } : {}),
		...(op === "list" && code === 200 ? { jobs: listOf(text) } : {}),
	};
}

/** Null: there was none. */
export type PlainAnswer = { code: number; text: string } | null;

export function jobOf(answer: PlainAnswer): JobSeen | null {
	if (answer === null || answer.code >= 300 || !answer.text.startsWith("{")) return null;
	const body = JSON.parse(answer.text) as { object?: string };
	return body.object === "job" ? (body as JobSeen) : null;
}

function listOf(text: string) {
	const { data } = JSON.parse(text) as { data: JobSeen[] };
	return data.map((job) => ({ job: job.id, tag: job.metadata.tag ?? null, status: job.status }));
}

export function shaOf(text: string): string {
	return createHash("sha1").update(text).digest("hex").slice(0, 12);
}
