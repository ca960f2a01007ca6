/** Chat completions, as OpenAI's package asks for them: nothing but the base URL is another. */
import { describe, expect, inject, it } from "vitest";
import { z } from "zod";
import { answering, completion, refusing, slowly, USAGE } from "../support/answers.ts";
import { CLIENTS } from "./support/openai-clients.ts";
import { aModel, bodySentTo, callsOf } from "./support/provider.ts";
import { toolCall } from "./support/tool-call.ts";

const { url, key } = inject("service");
const messages = [{ role: "user" as const, content: "Why?" }];
const HOLDFAST = z.object({ holdfast: z.object({ job_id: z.string(), model: z.string() }) });

describe.each(CLIENTS)("client.chat.completions of $name", ({ make }) => {
	const client = make({ baseURL: `${url}/v1`, apiKey: key });
	const chat = client.chat.completions;

	it("creates a completion, which is the result of a job", async () => {
		const model = aModel(answering(completion("Because.")));
		const created = await chat.create({ model, messages, temperature: 0.5, metadata: { user: "42" } });
		expect(created).toMatchObject({
			id: expect.stringMatching(/^chatcmpl-/),
			object: "chat.completion",
			choices: [{ index: 0, message: { role: "assistant", content: "Because." }, finish_reason: "stop" }],
			usage: USAGE,
		});
		const { job_id } = HOLDFAST.parse(created).holdfast;
		expect(job_id.slice("job_".length)).toBe(created.id.slice("chatcmpl-".length));
		expect(await client.get(`/jobs/${job_id}`)).toMatchObject({ status: "succeeded", metadata: { user: "42" } });
		// The service streams for itself.
		const stream_options = { include_usage: true };
		expect(bodySentTo(model)).toEqual({ model, messages, temperature: 0.5, stream: true, stream_options });
	});

	it("streams the answer in chunks that join to it", async () => {
		const text = "Because the sky scatters blue light more than red. 🎈";
		const model = aModel(answering(completion(text)));
		const stream = await chat.create({ model, messages, stream: true, stream_options: { include_usage: true } });
		let joined = "";
		let usage: unknown = null;
		for await (const chunk of stream) {
			joined += chunk.choices[0]?.delta.content ?? "";
			usage = chunk.usage ?? usage;
		}
		expect(joined).toBe(text);
		expect(usage).toMatchObject(USAGE);
	});

	it("streams a tool call into the helper's accumulator", async () => {
		const model = aModel(answering(toolCall("look_up", { word: "holdfast" })));
		const tools = [{ type: "function" as const, function: { name: "look_up", parameters: { type: "object" } } }];
		const final = await chat.stream({ model, messages, tools }).finalChatCompletion();
		expect(final.choices[0]?.message.tool_calls?.[0]).toMatchObject({
			type: "function",
			function: { name: "look_up", arguments: '{"word":"holdfast"}' },
		});
		expect(final.choices[0]?.finish_reason).toBe("tool_calls");
	});

	it("throws BadRequestError with the provider's message, after one call", async () => {
		const model = aModel(refusing(400, { message: "Temperature is too high.", type: "invalid_request_error" }));
		await expect(chat.create({ model, messages })).rejects.toMatchObject({
			status: 400,
			message: expect.stringContaining("Temperature is too high."),
		});
		expect(callsOf(model)).toHaveLength(1);
	});

	it("does not repeat a request that ended badly for good", async () => {
		const refused = refusing(401, { message: "No such key.", type: "authentication_error" });
		const model = aModel(refused, refused, refused);
		const create = () => chat.create({ model, messages, ...extension({ deadline_seconds: 2 }) });
		await expect(create()).rejects.toMatchObject({ status: 502, code: "provider_refused" });
	});

	it("joins the running job when it repeats a request that timed out", async () => {
		const model = aModel(slowly(2_500, answering(completion("At last."))));
		const patient = make({ baseURL: `${url}/v1`, apiKey: key, timeout: 1_000, maxRetries: 5 });
		const created = await patient.chat.completions.create({ model, messages });
		expect(created.choices[0]?.message.content).toBe("At last.");
		expect(callsOf(model)).toHaveLength(1);
	});

	it("stores completions: lists, retrieves, updates and deletes them", async () => {
		const model = aModel(answering(completion("Kept.")));
		const { id } = await chat.create({ model, messages, store: true, metadata: { topic: "sky" } });
		const listed: string[] = [];
		for await (const one of chat.list({ model })) listed.push(one.id);
		expect(listed).toEqual([id]);
		expect((await chat.retrieve(id)).choices[0]?.message.content).toBe("Kept.");
		expect(await chat.update(id, { metadata: { topic: "sea" } })).toMatchObject({ metadata: { topic: "sea" } });
		const stored: unknown[] = [];
		for await (const message of chat.messages.list(id)) stored.push(message);
		expect(stored).toMatchObject([{ id: `${id}-0`, role: "user", content: "Why?" }]);
		expect(await chat.delete(id)).toEqual({ id, object: "chat.completion.deleted", deleted: true });
		await expect(chat.retrieve(id)).rejects.toMatchObject({ status: 404 });
	});
});

/** The package's types do not know it, and it sends it all the same. */
function extension(holdfast: object): object {
	return { holdfast };
}
