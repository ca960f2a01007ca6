/**
 * A read-only key through every action of the dashboard: no page offers it, and the server refuses it. An action that
 * is added to a page gets a line in the table.
 */
import type { Locator, Page } from "playwright-core";
import { expect, it } from "vitest";
import type { Holdfast } from "../../client/index.ts";
import { listen } from "../support/listen.ts";
import { aTenant } from "./support/tenant.ts";
import { site, visit } from "./support/visit.ts";

interface Action {
	/** Where it is offered to a key with all scopes, and what that page shows to a read-only key once it has read all. */
	page: string;
	shows: string;
	button: string;
	method: "POST" | "PATCH" | "DELETE";
	path: string;
	body?: unknown;
}

type Ids = Record<"open" | "ended" | "endpoint" | "disabled" | "delivery" | "key", string>;

const PROMPT = { input: { messages: [{ role: "user" as const, content: "Hello" }] } };
const LACKS = "It lacks the scope";

function actionsOn({ open, ended, endpoint, disabled, delivery, key }: Ids): Action[] {
	const openJob = { page: `/dashboard/jobs/${open}`, shows: "No answer yet" };
	const endedJob = { page: `/dashboard/jobs/${ended}`, shows: "This is a simulated answer" };
	const enabled = { page: `/dashboard/webhooks/${endpoint}`, shows: "Nothing was sent yet" };
	const job = `/v1/jobs/${ended}`;
	const hook = `/v1/webhook_endpoints/${endpoint}`;
	return [
		{ ...openJob, button: "Cancel job", method: "POST", path: `/v1/jobs/${open}/cancel` },
		{ ...endedJob, button: "Retry", method: "POST", path: `${job}/retry`, body: {} },
		{ ...endedJob, button: "Edit and retry", method: "POST", path: `${job}/retry`, body: { priority: 1 } },
		{ ...endedJob, button: "Delete", method: "DELETE", path: job },
		{ ...endedJob, button: "Send webhooks again", method: "POST", path: `${job}/redeliver` },
		{ page: `${endedJob.page}/retry`, shows: LACKS, button: "Retry unchanged", method: "POST", path: `${job}/retry` },
		{ page: "/dashboard/new", shows: LACKS, button: "Run job", method: "POST", path: "/v1/jobs", body: PROMPT },
		{
			page: "/dashboard/webhooks",
			shows: "gone",
			button: "Add endpoint",
			method: "POST",
			path: "/v1/webhook_endpoints",
			body: {},
		},
		{ ...enabled, button: "Send test event", method: "POST", path: `${hook}/test`, body: {} },
		{ ...enabled, button: "Rotate secret", method: "POST", path: `${hook}/rotate_secret`, body: {} },
		{ ...enabled, button: "Recover missed", method: "POST", path: `${hook}/recover`, body: {} },
		{ ...enabled, button: "Delete endpoint", method: "DELETE", path: hook },
		{
			page: `/dashboard/webhooks/${disabled}`,
			shows: "Disabled",
			button: "Enable endpoint",
			method: "POST",
			path: `/v1/webhook_endpoints/${disabled}/enable`,
		},
		{
			page: `/dashboard/webhooks/deliveries/${delivery}`,
			shows: "HTTP 410",
			button: "Send again",
			method: "POST",
			path: `/v1/deliveries/${delivery}/redeliver`,
		},
		{ page: "/dashboard/keys", shows: LACKS, button: "Create key", method: "POST", path: "/v1/keys", body: {} },
		{ page: "/dashboard/keys", shows: LACKS, button: "Revoke", method: "DELETE", path: `/v1/keys/${key}` },
	];
}

/** One of each thing that has actions of its own. */
async function oneOfEach({ jobs, endpoints, deliveries, keys }: Holdfast): Promise<Ids> {
	const receiver = await listen(0, (_, response) => response.writeHead(410).end());
	const url = `http://127.0.0.1:${receiver.port}/gone`;
	const { id: disabled } = await endpoints.create({ name: "gone", url, event_types: ["job.succeeded"] });
	const ended = (await jobs.run(PROMPT)).job.id;
	await expect.poll(async () => (await endpoints.get(disabled)).status, { timeout: 30_000 }).toBe("disabled");
	await receiver.close();
	const { id: endpoint } = await endpoints.create({ name: "CRM", url, event_types: ["job.failed"] });
	const { id: open } = await jobs.submit({ ...PROMPT, delay_seconds: 3_600 });
	const { id: key } = await keys.create({ name: "another" });
	const delivery = (await deliveries.list({ endpointId: disabled })).data[0]?.id ?? "";
	return { open, ended, endpoint, disabled, delivery, key };
}

const offered = (page: Page, name: string): Locator =>
	page.getByRole("button", { name }).or(page.getByRole("link", { name })).first();

it("none of the actions succeeds with a read-only key, and no page offers one as it does to other keys", async () => {
	const { key, client } = await aTenant("read-only");
	const actions = actionsOn(await oneOfEach(client));
	const reader = await client.keys.create({ scopes: ["jobs:read", "webhooks:read", "usage:read"] });
	const page = await visit("/dashboard/jobs", { key: reader.key });
	await page.getByText("read-only").first().waitFor();
	const statuses = await page.evaluate(
		async (all) =>
			await Promise.all(
				all.map(async ({ method, path, body }) => {
					const headers = { "content-type": "application/json" };
					const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
					return `${method} ${path} ${(await fetch(path, init)).status}`;
				}),
			),
		actions,
	);
	expect(statuses).toEqual(actions.map(({ method, path }) => `${method} ${path} 403`));
	const owner = await visit("/dashboard/jobs", { key });
	for (const { page: path, shows, button } of actions) {
		await owner.goto(site.url + path);
		await offered(owner, button).waitFor();
		await page.goto(site.url + path);
		await page.getByRole("main").getByText(shows).first().waitFor();
		expect(await offered(page, button).count(), `${button} on ${path}`).toBe(0);
	}
});
