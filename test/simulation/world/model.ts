/**
 * The provider: answers, refuses, stalls and breaks as the dice say, through the AI binding and in a provider's own
 * words, so that the service's reading and classifying run too. No two answers are alike: a second one shows.
 */

import type { JsonObject } from "../../../shared/core/json/json.ts";
import type { AiBinding, AiCallOptions } from "../../../shared/model/providers/workers-ai.ts";
import { completion } from "../../support/answers.ts";
import { type Invocation, once } from "./invocation.ts";
import type { World } from "./world.ts";

export interface ModelCallSeen {
	number: number;
	jobId: string;
	tenantId: string;
	model: string;
	by: Invocation;
	at: number;
	/** What the caller wrote, to see whose prompt it was. */
	prompt: string;
	kind: Kind;
	/** The answer's text, once it is on its way; null for anything but an answer. */
	answer: string | null;
	/** When the calling invocation gave up; null: it has not. */
	abortedAt: number | null;
	isOver: boolean;
}

const FAILURES = {
	throttled: 4,
	overloaded: 3,
	broken: 3,
	unreachable: 3,
	blocked: 1,
	rejected: 1,
	unknown_model: 1,
	unreadable: 1,
} as const;

export type Kind = keyof typeof FAILURES | "answered" | "hangs";

const DAY_SECONDS = 86_400;
const USAGE = { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 };

export type Reply = { status: number; body: unknown; headers?: Record<string, string> };

/** `reply` null: the connection breaks. Without `reply`, it is an answer. */
export type Script = (call: ModelCallSeen) => { afterMs: number; reply?: Reply | null };

export class SimulatedModel {
	readonly calls: ModelCallSeen[] = [];
	readonly #callsByJob = new Map<string, ModelCallSeen[]>();
	readonly #world: World;
	readonly #listeners: ((call: ModelCallSeen) => void)[] = [];
	readonly #answerListeners: ((call: ModelCallSeen) => void)[] = [];
	/** What a scenario has the provider do; null: as the dice say. */
	script: Script | null = null;
	/** Whose calls fare otherwise than all others', where the seed has such a tenant. */
	hostileTenant = "";
	/** By model: when the next call is allowed, where the provider allows few. */
	readonly #nextAt = new Map<string, number>();

	constructor(world: World) {
		this.#world = world;
	}

	callsOf(jobId: string): readonly ModelCallSeen[] {
		return this.#callsByJob.get(jobId) ?? [];
	}

	onCall(listener: (call: ModelCallSeen) => void): void {
		this.#listeners.push(listener);
	}

	/** Hears of each answer that a provider is paid for, whether or not it arrives. */
	onAnswer(listener: (call: ModelCallSeen) => void): void {
		this.#answerListeners.push(listener);
	}

	bindingFor(by: Invocation): AiBinding {
		return { run: (model, inputs, options) => this.#run(by, model, inputs, options) };
	}

	#run(by: Invocation, model: string, inputs: JsonObject, { gateway, signal }: AiCallOptions): Promise<Response> {
		const { dice, current } = this.#world;
		const kind = this.script === null ? this.#kindOf(model, gateway.metadata.tenant) : "answered";
		const call: ModelCallSeen = {
			number: this.calls.length + 1,
			jobId: gateway.metadata.job,
			tenantId: gateway.metadata.tenant,
			model,
			by,
			at: this.#world.now,
			prompt: promptOf(inputs),
			kind,
			answer: null,
			abortedAt: null,
			isOver: false,
		};
		const scripted = this.script?.(call) ?? null;
		if (scripted !== null) call.kind = kindOf(scripted.reply);
		this.calls.push(call);
		this.#callsByJob.set(call.jobId, [...this.callsOf(call.jobId), call]);
		this.#world.note(by.name, `calls ${model} for ${call.jobId}: call ${call.number} will be ${call.kind}`);
		for (const listener of this.#listeners) listener(call);
		if (dice.chance(current.deaths))
			this.#world.after(dice.skewed(0, 20_000), () => by.die(`during call ${call.number}`));
		return new Promise((resolve, reject) => {
			by.connect(() => {
				const over = once(() => by.disconnect());
				signal.addEventListener("abort", () => {
					if (!call.isOver) call.abortedAt = this.#world.now;
					over();
				});
				if (kind === "hangs") return;
				this.#world.after(scripted?.afterMs ?? this.#latencyMs(), () => {
					if (call.kind === "answered" && call.abortedAt === null)
						for (const listener of this.#answerListeners) listener(call);
					by.hear(() => {
						call.isOver = true;
						over();
						const reply = scripted?.reply === undefined ? this.#replyTo(call) : scripted.reply;
						if (reply === null) reject(new TypeError("Network connection lost."));
						else resolve(responseOf(reply));
					});
				});
			});
		});
	}

	#kindOf(model: string, tenantId: string): Kind {
		const { current, now } = this.#world;
		const { hostile, allowanceMs } = current;
		if (hostile !== null && tenantId === this.hostileTenant && hostile !== "cut" && hostile !== "flood") return hostile;
		if (allowanceMs !== null) {
			const nextAt = this.#nextAt.get(model) ?? 0;
			if (nextAt > now) return "throttled";
			this.#nextAt.set(model, now + allowanceMs);
		}
		return this.#throwKind();
	}

	#throwKind(): Kind {
		const { dice, current } = this.#world;
		if (dice.chance(current.modelHangs)) return "hangs";
		return dice.chance(current.modelFailures) ? dice.weighted(FAILURES) : "answered";
	}

	#waitSeconds(): number {
		const { dice, current } = this.#world;
		if (current.hostile !== null || (current.longWaits > 0 && dice.chance(current.longWaits))) return DAY_SECONDS;
		return dice.between(1, 40);
	}

	#latencyMs(): number {
		const { dice, current } = this.#world;
		if (current.hostile !== null) return dice.between(2_000, 4_000);
		return dice.chance(current.modelSlow) ? dice.between(20_000, 400_000) : dice.skewed(50, 15_000);
	}

	#replyTo(call: ModelCallSeen): Reply | null {
		const error = (status: number, code: string, headers = {}): Reply => ({
			status,
			headers,
			body: { error: { message: `the provider says ${code}`, code } },
		});
		switch (call.kind) {
			case "answered":
				call.answer = `answer ${call.number} to ${call.prompt}`;
				return { status: 200, body: { ...completion(call.answer), usage: USAGE } };
			case "throttled":
				return error(429, "rate_limit_exceeded", { "retry-after": String(this.#waitSeconds()) });
			case "overloaded":
				return error(529, "overloaded_error");
			case "broken":
				return error(500, "server_error");
			case "blocked":
				return error(402, "insufficient_quota");
			case "rejected":
				return error(400, "invalid_request_error");
			case "unknown_model":
				return error(404, "model_not_found");
			case "unreadable":
				return { status: 200, body: { nothing: "to read" } };
			case "unreachable":
			case "hangs":
				return null;
		}
	}
}

/** By what a scenario has the provider reply. */
function kindOf(reply: Reply | null | undefined): Kind {
	if (JSON.stringify(reply?.body ?? null).includes("Request too large")) return "rejected";
	if (reply === undefined) return "answered";
	if (reply === null) return "unreachable";
	const kinds: Readonly<Record<number, Kind>> = {
		200: "answered",
		402: "blocked",
		404: "unknown_model",
		429: "throttled",
	};
	return kinds[reply.status] ?? (reply.status >= 500 ? "broken" : "rejected");
}

function promptOf(inputs: JsonObject): string {
	const { messages } = inputs;
	const last: unknown = Array.isArray(messages) ? messages.at(-1) : null;
	const content = typeof last === "object" && last !== null ? Reflect.get(last, "content") : null;
	return typeof content === "string" ? (content.split(" ")[0] ?? "") : "";
}

function responseOf({ status, body, headers = {} }: Reply): Response {
	return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}
