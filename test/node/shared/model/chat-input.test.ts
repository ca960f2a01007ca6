import { describe, expect, it } from "vitest";
import type { ModelRoute } from "../../../../shared/core/upstreams/model-routes.ts";
import { chatInput } from "../../../../shared/model/chat-input.ts";
import { jsonBody } from "../../../support/model-calls.ts";

const WORKERS_AI: ModelRoute = { match: "*", provider: "workers-ai" };
const REQUEST = { input: "Hi", max_output_tokens: 99 };

function bodyFor(route: ModelRoute, model: string, request: object = REQUEST) {
	const asked = chatInput(jsonBody({ request, context: [] }), route, model);
	return asked.ok ? asked.input.toObject() : asked.failure;
}

describe("the input of a call", () => {
	it("is the job's own if that is the body of a chat completion", () => {
		const stored = jsonBody({ messages: [], request: "a field of the provider's own" });
		expect(chatInput(stored, WORKERS_AI, "@cf/model")).toEqual({ ok: true, input: stored });
	});

	it.each<[string, ModelRoute, string, string]>([
		["of Workers AI", WORKERS_AI, "@cf/model", "max_tokens"],
		["of OpenAI at Workers AI", WORKERS_AI, "openai/gpt-5.5", "max_completion_tokens"],
		["renamed to one of OpenAI", { ...WORKERS_AI, rename: "openai/gpt-5.5" }, "mine", "max_completion_tokens"],
		["of another server", { match: "*", provider: "simulated" }, "simulated/a", "max_completion_tokens"],
	])("limits the output of a model %s under the name that it knows", (_, route, model, field) => {
		expect(bodyFor(route, model)).toEqual({ messages: [{ role: "user", content: "Hi" }], [field]: 99 });
	});

	it("has earlier thoughts where the route's models take them", () => {
		const thought = { type: "reasoning", summary: [{ type: "summary_text", text: "Hm." }] };
		const request = { input: [thought, { role: "assistant", content: "A" }] };
		expect(bodyFor({ ...WORKERS_AI, reasoning_content: true }, "@cf/model", request)).toEqual({
			messages: [{ role: "assistant", content: "A", reasoning_content: "Hm." }],
		});
		expect(bodyFor(WORKERS_AI, "@cf/model", request)).toEqual({ messages: [{ role: "assistant", content: "A" }] });
	});

	it("is a failure that needs no call if this version refuses what an earlier one accepted", () => {
		expect(bodyFor(WORKERS_AI, "@cf/model", { input: "Hi", prompt: { id: "a" } })).toMatchObject({
			class: "permanent",
			code: "not_supported",
			isCallMade: false,
			message: expect.stringContaining("prompt: "),
		});
	});
});
