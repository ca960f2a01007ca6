/** How much a model reasons, in Anthropic's form. */
import { type Json, type JsonObject, objectOf } from "../json/json.ts";
import type { Claude } from "./claude.ts";
import type { Refuse } from "./conversion.ts";

/** OpenAI's words for an effort. Anthropic's have no "minimal". */
const EFFORTS: ReadonlyMap<Json, string> = new Map([
	["minimal", "low"],
	["low", "low"],
	["medium", "medium"],
	["high", "high"],
	["xhigh", "xhigh"],
	["max", "max"],
]);

/** Tokens to think for models that take no effort. Anthropic takes no fewer than the first. */
const BUDGET_MIN = 1_024;
const BUDGETS: Readonly<Record<string, number>> = { low: BUDGET_MIN, medium: 4_096, high: 16_384 };
const BUDGET_MAX = 32_768;

/** `thinking`, and the effort of `output_config`, from `reasoning_effort`. */
export function thinkingFields(
	{ reasoning_effort: requested }: JsonObject,
	claude: Claude,
	maxTokens: number,
	refuse: Refuse,
): { thinking?: JsonObject; effort?: string } {
	if (requested === undefined || requested === null) return {};
	if (requested === "none") return withoutThinking(claude, refuse);
	const effort = EFFORTS.get(requested);
	if (effort === undefined || claude.thinking === "never" || (effort === "xhigh" && !takesXhigh(claude))) {
		refuse("reasoning_effort", "The model has no such effort.");
		return {};
	}
	if (claude.thinking === "effort") return { thinking: { type: "adaptive" }, effort };
	if (maxTokens <= BUDGET_MIN) {
		refuse("reasoning_effort", `The model reasons only if \`max_tokens\` is more than ${BUDGET_MIN}.`);
		return {};
	}
	// The answer needs tokens of its own.
	const budget = Math.max(BUDGET_MIN, Math.min(BUDGETS[effort] ?? BUDGET_MAX, Math.floor(maxTokens / 2)));
	return { thinking: { type: "enabled", budget_tokens: budget } };
}

/** A budget can be as large as any. */
function takesXhigh({ thinking, takesXhigh }: Claude): boolean {
	return thinking === "budget" || takesXhigh;
}

/** Models that think within a budget do not unless they are given one. */
function withoutThinking({ thinking, mayNotThink }: Claude, refuse: Refuse): { thinking?: JsonObject } {
	if (!mayNotThink) refuse("reasoning_effort", "The model always reasons.");
	return mayNotThink && thinking === "effort" ? { thinking: { type: "disabled" } } : {};
}

/** A model that thinks takes no other temperature than 1, no `top_k`, and no call that it must make. */
export function refuseBesideThinking(body: JsonObject, input: JsonObject, refuse: Refuse): void {
	const type = objectOf(body.thinking)?.type;
	if (type !== "enabled" && type !== "adaptive") return;
	const requested = objectOf(input.thinking) === null ? "reasoning_effort" : "thinking";
	const problem = `Anthropic's models do not take it beside \`${requested}\`.`;
	for (const field of ["temperature", "top_k"]) if (body[field] !== undefined) refuse(field, problem);
	const choice = objectOf(body.tool_choice)?.type;
	if (choice === "any" || choice === "tool") refuse("tool_choice", problem);
}
