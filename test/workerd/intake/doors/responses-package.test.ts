/** The unmodified `openai` package gets Responses with nothing but another `baseURL`, from the real Worker. */
import { exports } from "cloudflare:workers";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { JobList } from "../../../../shared/api/job.ts";
import { aCaller, send } from "../caller.ts";

const { key } = await aCaller();
const client = new OpenAI({
	apiKey: key,
	baseURL: "https://jobs.test/v1",
	fetch: async (url, init) => await exports.default.fetch(new Request(url, init)),
});

const REQUEST = { model: "simulated/echo", instructions: "Be brief.", input: "Why is the sky blue?" };

describe("client.responses", () => {
	it("gets a Response in the official shape, and the job behind it is one like any other", async () => {
		const response = await client.responses.create({ ...REQUEST, metadata: { team: "blue" } });
		expect(response).toMatchObject({
			id: expect.stringMatching(/^resp_[0-9a-z]{26}$/),
			object: "response",
			status: "completed",
			instructions: "Be brief.",
			metadata: { team: "blue" },
			output: [{ type: "message", role: "assistant", status: "completed" }],
			usage: { input_tokens: expect.any(Number), total_tokens: expect.any(Number) },
		});
		expect(response.output_text).toContain("Why is the sky blue?");
		const [job] = JobList.parse((await send("GET", "/v1/jobs", { key })).body).data;
		expect(job).toMatchObject({ id: response.id.replace("resp_", "job_"), door: "responses", status: "succeeded" });
	});

	it("streams one, whose last object is the same", async () => {
		const stream = client.responses.stream(REQUEST);
		let text = "";
		const numbers: number[] = [];
		for await (const event of stream) {
			numbers.push(event.sequence_number);
			if (event.type === "response.output_text.delta") text += event.delta;
		}
		const final = await stream.finalResponse();
		expect(final).toMatchObject({ status: "completed", output_text: text });
		expect(text).toContain("Why is the sky blue?");
		expect(numbers).toEqual(numbers.map((_, at) => at));
	});

	it("calls a tool, and goes on with its output", async () => {
		const call = { type: "function_call" as const, call_id: "c1", name: "weather", arguments: "{}" };
		const output = { type: "function_call_output" as const, call_id: "c1", output: "mild" };
		const input = [{ role: "user" as const, content: "And in Ulm?" }, call, output];
		expect((await client.responses.create({ model: "simulated/echo", input })).status).toBe("completed");
	});

	it.each<[string, string, object]>([
		["tools[0].type", "unsupported_value", { tools: [{ type: "web_search" }] }],
		["background", "unsupported_value", { background: true }],
		["previous_response_id", "unsupported_value", { previous_response_id: "resp_1" }],
		["depth", "unknown_parameter", { depth: 3 }],
		["input", "invalid_request", { input: "" }],
	])("is refused with the path %s and the code %s", async (param, code, more) => {
		await expect(client.responses.create({ ...REQUEST, ...more })).rejects.toMatchObject({ status: 400, param, code });
	});

	it("takes a deadline that ends within a millisecond, also as a retry", async () => {
		const options = { headers: { "x-stainless-retry-count": "1" } };
		const request = { ...REQUEST, holdfast: { deadline_seconds: 60.00012 } };
		expect((await client.responses.create(request, options)).status).toBe("completed");
	});

	it("throws NotFoundError for a model that no route serves", async () => {
		const asked = client.responses.create({ ...REQUEST, model: "nobody/serves-it" });
		await expect(asked).rejects.toMatchObject({ status: 404, code: "model_not_found", param: "model" });
	});
});
