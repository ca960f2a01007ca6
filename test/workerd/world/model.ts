/** A model that a test scripts at the port, outcome by outcome, for what is done with an outcome. `Upstreams` scripts HTTP. */

import type { Runtime } from "../../../shared/core/runtime.ts";
import type { FailureClass, ModelFailure, Usage } from "../../../shared/core/upstreams/failures.ts";
import type { ModelCall, ModelOutcome } from "../../../shared/model/port.ts";
import { aFailure } from "../../support/job-of.ts";

/** What one call comes to: an outcome at once, or after a while. */
export type Step =
	| ModelOutcome
	| ((call: ModelCall, signal: AbortSignal, runtime: Runtime) => Promise<ModelOutcome> | ModelOutcome);

export interface ScriptedModel {
	calls: ModelCall[];
	call(call: ModelCall, signal: AbortSignal, runtime: Runtime): Promise<ModelOutcome>;
}

/** One step a call, in order; the last repeats. */
export function aModel(...steps: [Step, ...Step[]]): ScriptedModel {
	const calls: ModelCall[] = [];
	return {
		calls,
		async call(call, signal, runtime) {
			const step = steps[Math.min(calls.length, steps.length - 1)] ?? steps[0];
			calls.push(call);
			return typeof step === "function" ? await step(call, signal, runtime) : step;
		},
	};
}

export const USAGE: Usage = { promptTokens: 3, completionTokens: 4, totalTokens: 7 };

export function answered(text = "Because."): ModelOutcome {
	const message = { role: "assistant", content: text };
	const choices = [{ index: 0, message, finish_reason: "stop" }];
	const completion = { id: "chatcmpl-1", object: "chat.completion", created: 1, model: "maker/model", choices };
	return { ok: true, response: { completion, usage: USAGE, status: 200, logId: "log_1" } };
}

export function failed(failureClass: FailureClass, overrides: Partial<ModelFailure> = {}): ModelOutcome {
	return { ok: false, failure: aFailure(failureClass, overrides) };
}

/** Takes `ms`; a call that is given up before ends at once, as the real port does. */
export function slowly(ms: number, outcome: ModelOutcome): Step {
	return async (call, signal, runtime) => {
		const limitMs = Math.min(ms, call.timeoutMs);
		await runtime.sleep(limitMs, signal);
		if (signal.aborted) return failed("transient", { code: "aborted", status: null, isCut: true });
		return ms > call.timeoutMs ? failed("transient", { code: "timed_out", status: null, isCut: true }) : outcome;
	};
}
