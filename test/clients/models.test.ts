/** The list of models, as `openai` reads it. */
import { describe, expect, inject, it } from "vitest";
import { CLIENTS } from "./support/openai-clients.ts";

const { url, key } = inject("service");

describe.each(CLIENTS)("client.models of $name", ({ make }) => {
	const client = make({ baseURL: `${url}/v1`, apiKey: key });

	it("lists models, the default one among them", async () => {
		const ids: string[] = [];
		for await (const model of client.models.list()) ids.push(model.id);
		expect(ids).toContain("openai/gpt-5.5");
	});

	it("retrieves a model whose name has a slash", async () => {
		const model = await client.models.retrieve("openai/gpt-5.5");
		expect(model).toMatchObject({ id: "openai/gpt-5.5", object: "model", owned_by: expect.any(String) });
	});

	it("throws NotFoundError for a model that no route serves", async () => {
		await expect(client.models.retrieve("nobody/serves-it")).rejects.toMatchObject({
			status: 404,
			code: "model_not_found",
		});
	});
});
