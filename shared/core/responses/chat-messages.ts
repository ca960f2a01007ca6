/**
 * Messages of a chat in the order of items. Neighbouring items of the assistant are one message: its text, its refusal and its
 * calls. Chat completions take texts alone as a tool's output, so images and files follow in a message of the user.
 */
import type { Json, JsonObject } from "../json/json.ts";
import type { Said } from "./content.ts";

interface AssistantTurn extends Said {
	thoughts: string[];
	calls: JsonObject[];
}

export class ChatMessages {
	readonly #messages: JsonObject[] = [];
	readonly #keepsReasoning: boolean;
	#assistant: AssistantTurn | null = null;
	#shownByTools: JsonObject[] = [];

	/** @param keepsReasoning whether the model takes its earlier thoughts, as `reasoning_content` */
	constructor(keepsReasoning: boolean) {
		this.#keepsReasoning = keepsReasoning;
	}

	say(role: string, content: string | JsonObject[]): void {
		this.#endTurns();
		this.#messages.push({ role, content });
	}

	answer(part: Partial<AssistantTurn>): void {
		this.#endTools();
		this.#assistant ??= { texts: [], refusals: [], thoughts: [], calls: [] };
		const { texts, refusals, thoughts, calls } = this.#assistant;
		addAll(texts, part.texts);
		addAll(refusals, part.refusals);
		addAll(thoughts, part.thoughts);
		addAll(calls, part.calls);
	}

	toolOutput(callId: string, output: string | JsonObject[]): void {
		this.#endAssistant();
		const parts = typeof output === "string" ? [] : output;
		const shown = parts.filter(({ type }) => type !== "text");
		addAll(this.#shownByTools, shown);
		const content = typeof output === "string" ? output : textsOf(parts, shown);
		this.#messages.push({ role: "tool", tool_call_id: callId, content });
	}

	/** Ends the turns: nothing is added afterwards. */
	toList(): JsonObject[] {
		this.#endTurns();
		return this.#messages;
	}

	#endTurns(): void {
		this.#endAssistant();
		this.#endTools();
	}

	#endAssistant(): void {
		const turn = this.#assistant;
		this.#assistant = null;
		if (turn === null) return;
		const { texts, refusals, thoughts, calls } = turn;
		if (texts.length + refusals.length + calls.length === 0) return;
		this.#messages.push({
			role: "assistant",
			content: texts.length === 0 ? null : joined(texts),
			...(this.#keepsReasoning && thoughts.length > 0 ? { reasoning_content: joined(thoughts) } : {}),
			...(refusals.length === 0 ? {} : { refusal: joined(refusals) }),
			...(calls.length === 0 ? {} : { tool_calls: calls }),
		});
	}

	#endTools(): void {
		if (this.#shownByTools.length > 0) this.#messages.push({ role: "user", content: this.#shownByTools });
		this.#shownByTools = [];
	}
}

function joined(texts: readonly string[]): string {
	return texts.join("\n\n");
}

/** No spread: there may be more of them than a call takes arguments. */
function addAll<T>(list: T[], added: readonly T[] = []): void {
	for (const one of added) list.push(one);
}

function textsOf(parts: JsonObject[], shown: readonly JsonObject[]): Json {
	if (shown.some(({ type }) => type === "image_url") && shown.length === parts.length) return "[image]";
	if (shown.length === parts.length) return shown.length === 0 ? "" : "[file]";
	const texts = parts.filter(({ type }) => type === "text");
	return texts.length === 1 ? (texts[0]?.text ?? "") : texts;
}
