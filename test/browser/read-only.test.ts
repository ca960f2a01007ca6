/**
 * A read-only key through every action of the dashboard: no page offers it, and the server refuses it. An action that
 * is added to a page gets a line in the table.
 */
import { expect, it } from "vitest";
import { holdfast, site, visit } from "./support/visit.ts";

interface Action {
	/** Where it is offered to a key with all scopes. Null: nowhere by itself, as after a selection. */
	page: string | null;
	button: string;
	method: "POST" | "PATCH" | "DELETE";
	path: string;
	body?: unknown;
}

const JOB = "job_01jq0000000000000000000000";
const ENDPOINT = "/v1/webhook_endpoints/we_01jq0000000000000000000000";
const PROMPT = { input: { messages: [{ role: "user", content: "Hello" }] } };

const ACTIONS: Action[] = [
	{ page: null, button: "Cancel", method: "POST", path: `/v1/jobs/${JOB}/cancel` },
	{ page: null, button: "Retry", method: "POST", path: `/v1/jobs/${JOB}/retry`, body: {} },
	{ page: null, button: "Delete", method: "DELETE", path: `/v1/jobs/${JOB}` },
	{ page: null, button: "Submit", method: "POST", path: "/v1/jobs", body: PROMPT },
	{ page: "/dashboard/webhooks", button: "Add endpoint", method: "POST", path: "/v1/webhook_endpoints", body: {} },
	{ page: null, button: "Send test event", method: "POST", path: `${ENDPOINT}/test`, body: {} },
	{ page: null, button: "Rotate secret", method: "POST", path: `${ENDPOINT}/rotate_secret`, body: {} },
	{ page: null, button: "Enable endpoint", method: "POST", path: `${ENDPOINT}/enable` },
	{ page: null, button: "Recover missed", method: "POST", path: `${ENDPOINT}/recover`, body: {} },
	{ page: null, button: "Delete endpoint", method: "DELETE", path: ENDPOINT },
	{ page: null, button: "Send again", method: "POST", path: "/v1/deliveries/dlv_x/redeliver" },
	{ page: "/dashboard/keys", button: "Create key", method: "POST", path: "/v1/keys", body: {} },
	{ page: "/dashboard/keys", button: "Revoke", method: "DELETE", path: "/v1/keys/x" },
];

it("none of the actions succeeds with a read-only key, and no page offers one", async () => {
	const { key } = await holdfast.keys.create({ scopes: ["jobs:read", "webhooks:read", "usage:read"] });
	const page = await visit("/dashboard/jobs", { key });
	await page.getByText("read-only").waitFor();
	const statuses = await page.evaluate(
		async (actions) =>
			await Promise.all(
				actions.map(async ({ method, path, body }) => {
					const headers = { "content-type": "application/json" };
					const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
					return `${method} ${path} ${(await fetch(path, init)).status}`;
				}),
			),
		ACTIONS,
	);
	expect(statuses).toEqual(ACTIONS.map(({ method, path }) => `${method} ${path} 403`));
	for (const { page: path, button } of ACTIONS) {
		if (path === null) continue;
		await page.goto(site.url + path);
		await page.locator("h1").waitFor();
		expect(
			await page
				.getByRole("button", { name: button })
				.or(page.getByRole("link", { name: button }))
				.count(),
			button,
		).toBe(0);
	}
});
