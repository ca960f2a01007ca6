/**
 * Adds to a call what its caller did not decide about, and takes back what the provider refuses of it: the job must not fail for
 * what we added. What a route's server or model gets on only without is remembered as long as the isolate lives.
 */

import { additionsTo, plainInput } from "../core/chat/upstream-input.ts";
import { mayUseCache } from "../core/jobs/job.ts";
import type { JsonBody } from "../core/json/json-body.ts";
import type { ModelRoute } from "../core/upstreams/model-routes.ts";
import { type MemberRefusal, refusedMember } from "../core/upstreams/provider-error.ts";
import type { ModelCall, ModelOutcome } from "./port.ts";

export interface CallEnd {
	outcome: ModelOutcome;
	/** `empty`: a 2xx that holds nothing, as some models of Workers AI respond to what they cannot stream. */
	refusal: MemberRefusal | "empty" | null;
}

/** Callers choose the names of models that a route with a wildcard serves. */
const MODELS_MAX = 100;

interface Known {
	/** Members that the route's server refused by name. */
	refused: Set<string>;
	/** By model: the one job that got on only without a stream, or `all`. A single job may have been refused for its own input. */
	withoutStream: Map<string, { jobId: string } | "all">;
}

/** By route, of which an isolate parses one each, so that a new configuration begins without. */
const known = new WeakMap<ModelRoute, Known>();

const STREAM = ["stream", "stream_options"];

/** What the next call leaves out, and the sentence about it in the history. */
interface Dropped {
	members: string[];
	remark: string;
	/**
	 * For whom it is left out from now on. `stream_options` are a matter of the server; a stream is one of the model, too. `store` is
	 * sent again each time: for the calls of others it keeps OpenAI from storing what no erasure reaches.
	 */
	remembered: "route" | "model" | "never";
}

export async function callWithAdditions(
	call: ModelCall,
	callOnce: (call: ModelCall) => Promise<CallEnd>,
): Promise<ModelOutcome> {
	const plain = plainInput(call.route, call.input);
	const isCounted = plain.get("stream_options") === undefined;
	let added = additionsFor(call, plain);
	const dropped: Dropped[] = [];
	for (;;) {
		const end = await callOnce({ ...call, input: Object.keys(added).length === 0 ? plain : plain.with(added) });
		const next = droppedFrom(Object.keys(added), end, call.route, isCounted);
		if (next === null) {
			if (end.outcome.ok) {
				remember(call, dropped);
				// Tokens that a stream does not count would be missing from `tokens_per_day`.
				if (isCounted && added.stream === true && end.outcome.response.usage === null) rememberModel(call, "all");
			}
			return withRemarks(end.outcome, dropped);
		}
		dropped.push(next);
		added = without(added, next.members);
	}
}

function additionsFor({ route, model, gateway }: ModelCall, plain: JsonBody) {
	const { refused, withoutStream } = knownOf(route);
	// The gateway caches no streams.
	const isCached = (plain.get("stream") ?? null) === null && mayUseCache(gateway);
	const unstreamed = isCached || withoutStream.get(model) === "all" ? STREAM : [];
	return without(additionsTo(route, route.rename ?? model, plain), [...refused, ...unstreamed]);
}

function without<T>(members: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
	return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)));
}

/** Null: the outcome stands. A repeated call costs nothing: the one before was refused, or brought nothing. */
function droppedFrom(added: string[], { refusal }: CallEnd, route: ModelRoute, isCounted: boolean): Dropped | null {
	if (refusal === null || added.length === 0) return null;
	const streamed = added.filter((name) => STREAM.includes(name));
	const isDefault = streamed.includes("stream");
	if (refusal === "empty") {
		const remark = "The stream requested by default held nothing, so the call was repeated without it.";
		return isDefault ? { members: streamed, remark, remembered: "model" } : null;
	}
	const named = refusedMember(refusal);
	// A caller's own options are for the caller to mend.
	if (named === null || (named === "stream_options" && !isCounted)) return null;
	if (named === "unknown") {
		if (route.provider !== "openai-compatible") return null;
		return { members: added, remark: refusalOf(isDefault ? "stream" : added.join("`, `")), remembered: "model" };
	}
	if (added.includes(named) && named !== "stream")
		return { members: [named], remark: refusalOf(named), remembered: named === "store" ? "never" : "route" };
	if (named === "store" || streamed.length === 0) return null;
	return { members: streamed, remark: refusalOf(isDefault ? "stream" : "stream_options"), remembered: "model" };
}

function refusalOf(name: string): string {
	const what = name === "stream" ? "the stream requested by default" : `\`${name}\``;
	return `The provider refused ${what}, so the call was repeated without it.`;
}

function withRemarks(outcome: ModelOutcome, dropped: readonly Dropped[]): ModelOutcome {
	if (dropped.length === 0) return outcome;
	const remark = dropped.map((each) => each.remark).join(" ");
	if (outcome.ok) return { ok: true, response: { ...outcome.response, remark } };
	const { failure } = outcome;
	return { ok: false, failure: { ...failure, message: `${failure.message} ${remark}` } };
}

function knownOf(route: ModelRoute): Known {
	const before = known.get(route);
	if (before !== undefined) return before;
	const nothing = { refused: new Set<string>(), withoutStream: new Map() };
	known.set(route, nothing);
	return nothing;
}

/** After the call without succeeded. */
function remember(call: ModelCall, dropped: readonly Dropped[]): void {
	const { refused, withoutStream } = knownOf(call.route);
	for (const { members, remembered } of dropped) {
		if (remembered === "route") for (const name of members) refused.add(name);
		if (remembered === "model") {
			const before = withoutStream.get(call.model) ?? call;
			const isSecond = before === "all" || before.jobId !== call.jobId;
			rememberModel(call, isSecond ? "all" : { jobId: call.jobId });
		}
	}
}

function rememberModel({ route, model }: ModelCall, who: { jobId: string } | "all"): void {
	const { withoutStream } = knownOf(route);
	if (withoutStream.size >= MODELS_MAX) withoutStream.clear();
	withoutStream.set(model, who);
}
