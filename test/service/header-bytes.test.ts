/** Headers with bytes beyond ASCII, over real HTTP: the runtime alone would print a warning about each. */
import { expect, inject, it } from "vitest";

it.each([
	["authorization", 401],
	["content-type", 415],
])("refuses bytes beyond ASCII in %s", async (name, status) => {
	const { url, key } = inject("service");
	const headers = { authorization: `Bearer ${key}`, [name]: "Bearer h\u00e9_x" };
	const response = await fetch(`${url}/v1/jobs`, { method: "POST", body: "{}", headers });
	expect(response.status).toBe(status);
});
