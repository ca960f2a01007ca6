/** What surrounds every page: shortcuts, what a key may see, what is kept in memory, and what the page says of itself. */
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { expectWellMade, focused, holdfast, press, site, visit } from "./support/visit.ts";

const input = { messages: [{ role: "user" as const, content: "What holds fast?" }] };
const RETRY = { name: "Retry", exact: true };

it("Enter is for the link or button that has the focus, and else for the current row", async () => {
	const { id } = await holdfast.jobs.submit({ input, metadata: { list: "enter" }, delay_seconds: 3_600 });
	const page = await visit("/dashboard/jobs?metadata[list]=enter");
	const row = page.locator(`tr[data-key="${id}"]`);
	await row.waitFor();
	await press(page, "j");
	await expect.poll(() => row.getAttribute("aria-current")).toBe("true");
	await page.getByText("Columns", { exact: true }).focus();
	await press(page, "Enter");
	await page.getByRole("checkbox", { name: "Priority" }).waitFor();
	await page.getByRole("link", { name: "Queued" }).focus();
	await press(page, "Enter");
	await page.waitForURL(/status=queued/);
	await row.waitFor();
	await page.locator("h1").focus();
	await press(page, "j", "Enter");
	await page.waitForURL(`${site.url}/dashboard/jobs/${id}`);
});

it("a page that the key may not see names the missing scope, reads nothing, and leads to pages that it may see", async () => {
	const { key } = await holdfast.keys.create({ scopes: ["usage:read"] });
	const page = await visit("/dashboard/usage", { key });
	const asked: string[] = [];
	page.on("request", (request) => asked.push(request.url()));
	await page.goto(`${site.url}/dashboard`);
	await page.getByText("It lacks the scope jobs:read.").waitFor();
	await expectWellMade(page, "not-allowed");
	expect(asked.filter((url) => url.includes("/v1/"))).toEqual([`${site.url}/v1/session`]);
	await page.locator("main").getByRole("link", { name: "Usage" }).click();
	await page.waitForURL(/\/dashboard\/usage$/);
});

it("a job that was deleted is not shown from memory", async () => {
	const jobs = await Promise.all([0, 1].map(() => holdfast.jobs.run({ input })));
	const [here = "", elsewhere = ""] = jobs.map(({ job }) => job.id);
	const page = await visit(`/dashboard/jobs/${elsewhere}`);
	await page.getByRole("button", RETRY).waitFor();
	await press(page, "g", "j");
	await page.locator(`tr[data-key="${here}"]`).waitFor();
	await holdfast.jobs.delete(elsewhere);
	// By then, the job was read long enough ago to be read again.
	await page.waitForResponse(/v1\/jobs\?/);
	await page.goBack();
	await page.getByRole("heading", { name: "No such job" }).waitFor();
	expect(await page.getByRole("button", RETRY).count()).toBe(0);
	await openByFilter(page, here);
	await page.getByRole("button", RETRY).waitFor();
	await press(page, "d");
	await page.getByRole("dialog").getByRole("button", { name: "Delete job" }).click();
	// Before the service has said that it is gone.
	await page.route(`**/v1/jobs/${here}?*`, () => {});
	await openByFilter(page, here);
	await page.getByRole("heading", { name: here }).waitFor();
	expect(await page.getByRole("button", RETRY).count()).toBe(0);
});

async function openByFilter(page: Page, id: string): Promise<void> {
	await press(page, "g", "j");
	await page.getByLabel("Filter").fill(id);
	await press(page, "Enter");
	await page.waitForURL(new RegExp(id));
}

it("a text that the browser does not copy is selected to be copied by hand, and a copied one is named", async () => {
	const { job } = await holdfast.jobs.run({ input });
	const page = await visit(`/dashboard/jobs/${job.id}`);
	await page.getByRole("button", { name: "Copy as…" }).click();
	await page.getByRole("button", { name: "curl" }).click();
	await page.getByRole("button", { name: "Copied as curl" }).waitFor();
	await page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))");
	await page.getByRole("button", { name: "Copy job id" }).focus();
	await press(page, "Enter");
	await page.getByRole("dialog", { name: "Copy by hand" }).waitFor();
	expect(await page.evaluate("getSelection().toString()")).toBe(job.id);
	await expectWellMade(page, "copy-by-hand");
	await press(page, "Escape");
	await page.getByRole("dialog").waitFor({ state: "hidden" });
	await expect.poll(() => focused(page)).toBe("Copy job id");
	await page.evaluate("document.activeElement.blur()");
	await press(page, "?");
	await page.getByRole("dialog").waitFor();
	await press(page, "Escape");
	await expect.poll(() => page.evaluate("document.activeElement.tagName")).toBe("H1");
});

it("a sign-out that fails says so", async () => {
	const page = await visit("/dashboard/jobs");
	const error = { message: "Not now.", code: "no", request_id: "req_1" };
	await page.route("**/v1/session", (route) => route.fulfill({ status: 403, json: { error } }));
	await page.getByRole("button", { name: "Sign out" }).click();
	await page.getByRole("complementary").getByText("Not now.").waitFor();
	await expectWellMade(page, "sign-out-failed");
});

it("a link that signs nobody in says why", async () => {
	const page = await visit("/dashboard#key=hf_nonsense", { key: null });
	await page.getByRole("alert").getByText("Invalid API key").waitFor();
	expect(page.url()).toBe(`${site.url}/dashboard`);
});

it("when the service asks to wait, the page says until when, asks nothing meanwhile, and goes on by itself", async () => {
	const page = await visit("/dashboard/jobs");
	await page.locator("tr[data-key]").or(page.getByText("No jobs yet")).first().waitFor();
	const refused: number[] = [];
	await page.route("**/v1/jobs?*", async (route) => {
		refused.push(Date.now());
		const error = { message: "Too many requests.", code: "rate_limited" };
		await route.fulfill({ status: 429, headers: { "retry-after": "5" }, json: { error } });
	});
	const wait = page.getByText(/Updates are paused until \d\d:\d\d:\d\d.*: the service asked to wait\./);
	await wait.waitFor();
	await expectWellMade(page, "asked-to-wait");
	await expect.poll(() => refused.length, { timeout: 30_000 }).toBeGreaterThan(1);
	const [first = 0, second = 0] = refused;
	expect(second - first).toBeGreaterThan(4_900);
	await page.unroute("**/v1/jobs?*");
	await wait.waitFor({ state: "hidden" });
	expect(await page.getByRole("alert").getByText("Too many requests.").count()).toBe(0);
});
