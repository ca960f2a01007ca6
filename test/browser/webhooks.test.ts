/** Endpoints and deliveries, by keyboard alone, with a receiver whose replies would do harm as markup. */
import type { Page } from "playwright-core";
import { afterAll, expect, it } from "vitest";
import type { Holdfast } from "../../client/index.ts";
import { visible } from "../../dashboard/format/visible.ts";
import { listen } from "../support/listen.ts";
import { act, actInDialog, aTenant, confirm } from "./support/tenant.ts";
import { expectWellMade, site, visit } from "./support/visit.ts";

const HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202E ![](//evil.test/?x) javascript:alert(3)";

let status = 500;
const receiver = await listen(0, (_, response) => {
	response.writeHead(status, { "content-type": "text/html" }).end(HOSTILE);
});
const url = `http://127.0.0.1:${receiver.port}/hook`;
afterAll(() => receiver.close());

it("an endpoint is added, tested, and gets another secret", async () => {
	const { key } = await aTenant("endpoints");
	const page = await visit("/dashboard/webhooks", { key });
	await page.getByText(`curl ${site.url}/v1/webhook_endpoints`).waitFor();
	await addEndpoint(page);
	await testAndRotate(page);
});

it("a delivery is followed, sent again and recovered, whatever its receiver replies", async () => {
	const { key, client } = await aTenant("deliveries");
	const { id } = await client.endpoints.create({ name: "CRM", url, event_types: ["job.succeeded"] });
	const page = await visit(`/dashboard/webhooks/${id}`, { key });
	await followDelivery(page, client);
	// A receiver that is gone is disabled.
	status = 410;
	await act(page, "button", "Send again");
	await page.getByText("HTTP 410").first().waitFor();
	status = 204;
	await recoverAndDelete(page);
	const { data } = await client.deliveries.list({ status: ["delivered"] });
	await expectNoPolling(page, `/dashboard/webhooks/deliveries/${data[0]?.id}`);
});

/** A delivery in a final state. */
async function expectNoPolling(page: Page, path: string): Promise<void> {
	await page.clock.install();
	await page.goto(site.url + path);
	await page.getByText("HTTP 204").first().waitFor();
	const asked: string[] = [];
	page.on("request", (request) => asked.push(request.url()));
	await page.clock.fastForward(60_000);
	await page.evaluate("fetch('/v1/session')");
	expect(asked).toEqual([`${site.url}/v1/session`]);
}

async function addEndpoint(page: Page): Promise<void> {
	await act(page, "button", "Add endpoint");
	await page.getByLabel("Name").fill(HOSTILE);
	await page.getByLabel("URL").fill(url);
	await page.keyboard.press("Enter");
	await page.getByText("It is shown only now.").waitFor();
	expect(await page.getByRole("dialog").locator("pre").first().innerText()).toMatch(/^whsec_/);
	// A page over http that is not on this machine has no clipboard.
	await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
	await page.getByRole("dialog").getByRole("button", { name: "Copy signing secret" }).last().focus();
	await page.keyboard.press("Enter");
	await page.getByRole("button", { name: "Copied" }).waitFor();
	await expectWellMade(page, "webhooks-secret");
	await confirm(page, "I have kept it");
	await expectWellMade(page, "webhooks");
	await act(page, "link", visible(HOSTILE));
	await page.getByRole("heading", { level: 1, name: "<img src=x" }).waitFor();
	expect(await page.evaluate("document.activeElement.tagName")).toBe("H1");
}

async function testAndRotate(page: Page): Promise<void> {
	await act(page, "button", "Send test event");
	await actInDialog(page, "Send test event");
	await page.getByText("The endpoint replied 500, which counts as a failure").waitFor();
	await page.keyboard.press("Escape");
	await act(page, "button", "Rotate secret");
	await actInDialog(page, "Create new secret");
	await page.getByText("It is shown only now.").waitFor();
	await confirm(page, "I have kept it");
}

/** Of a job, whose webhook the receiver refuses. */
async function followDelivery(page: Page, { jobs }: Holdfast): Promise<void> {
	const input = { messages: [{ role: "user" as const, content: "hello" }] };
	const job = await jobs.wait(await jobs.submit({ input, metadata: { note: HOSTILE } }));
	await page.getByRole("link", { name: "job.succeeded" }).waitFor();
	await expectWellMade(page, "webhooks-endpoint");
	await act(page, "link", "job.succeeded");
	await page.getByText("HTTP 500").first().waitFor();
	expect(await page.locator(".tries pre").first().innerText()).toBe(visible(HOSTILE));
	await page.getByRole("link", { name: job.id }).waitFor();
	await expectWellMade(page, "webhooks-delivery");
	await page.goto(`${site.url}/dashboard/jobs`);
	await page.getByRole("link", { name: `note: ${visible(HOSTILE)}` }).waitFor();
	await expectWellMade(page, "jobs-hostile");
	await page.goBack();
}

async function recoverAndDelete(page: Page): Promise<void> {
	await act(page, "link", /^we_/);
	await act(page, "button", "Enable endpoint");
	await confirm(page, "Enable endpoint");
	await act(page, "button", "Recover missed");
	await confirm(page, "Send them again");
	await page
		.getByRole("row", { name: /Delivered/ })
		.first()
		.waitFor();
	await page.getByLabel("State").selectOption("exhausted");
	await page.getByText("No delivery matches").waitFor();
	await page.goto(`${site.url}/dashboard/webhooks/deliveries?status=delivered`);
	await page
		.getByRole("row", { name: /Delivered/ })
		.first()
		.waitFor();
	await expectWellMade(page, "webhooks-deliveries");
	await page.goBack();
	await page.getByRole("heading", { level: 1, name: "CRM" }).waitFor();
	await act(page, "button", "Delete endpoint");
	await confirm(page, "Delete endpoint");
	await page.getByText("No endpoints yet").waitFor();
}
