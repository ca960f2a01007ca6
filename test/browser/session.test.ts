import { expect, it } from "vitest";
import { aTenant } from "./support/tenant.ts";
import { expectWellMade, holdfast, site, visit } from "./support/visit.ts";

const signInHeading = (page: Awaited<ReturnType<typeof visit>>) => page.getByRole("heading", { name: "Sign in" });

it("a key signs in where the link leads, and signing out ends that", async () => {
	const page = await visit("/dashboard/jobs?status=failed", { key: null });
	await signInHeading(page).waitFor();
	await expectWellMade(page, "sign-in");
	await page.getByLabel("API key").fill("hf_nonsense");
	await page.keyboard.press("Enter");
	expect(await page.getByRole("alert").textContent()).toContain("Invalid API key");
	await page.getByLabel("API key").fill(site.key);
	await page.keyboard.press("Enter");
	await page.getByRole("heading", { name: "Jobs" }).waitFor();
	expect(page.url()).toBe(`${site.url}/dashboard/jobs?status=failed`);
	await page.getByRole("button", { name: "Sign out" }).click();
	await page.getByText("You have signed out.").waitFor();
	await page.reload();
	await signInHeading(page).waitFor();
});

it("the link of npm start signs in, and leaves no key in the address", async () => {
	const page = await visit(`/dashboard#key=${site.key}`, { key: null });
	await page.getByRole("navigation", { name: "Pages" }).waitFor();
	await page.locator("h1").waitFor();
	expect(await page.locator("h1").textContent()).not.toBe("No such page");
	expect(page.url()).not.toContain("#");
	expect(await page.evaluate("document.cookie")).toBe("");
});

it("a session ends with its key, and the page stays where it was", async () => {
	const { key, id } = await holdfast.keys.create({ name: "short-lived", scopes: ["jobs:read"] });
	const page = await visit("/dashboard/jobs", { key });
	await holdfast.keys.revoke(id);
	await page.getByText("Your session has ended.").waitFor({ timeout: 30_000 });
	expect(page.url()).toBe(`${site.url}/dashboard/jobs`);
});

it("a session ends when its key expires", async () => {
	const expires_at = new Date(Date.now() + 5_000).toISOString();
	const { key } = await holdfast.keys.create({ name: "expiring", scopes: ["jobs:read"], expires_at });
	const page = await visit("/dashboard/jobs", { key });
	await page.getByText("Your session has ended.").waitFor({ timeout: 30_000 });
});

it("another key in one tab is that of all tabs, and signing out ends the operator's session too", async () => {
	const { key } = await aTenant("of the other tab");
	const page = await visit("/dashboard/new");
	await page.getByLabel("Message", { exact: true }).fill("For the first tenant alone");
	const other = await page.context().newPage();
	await other.goto(`${site.url}/dashboard#key=${key}`);
	await other.getByText("of the other tab").first().waitFor();
	await page.getByText("of the other tab").first().waitFor();
	expect(await page.getByText("For the first tenant alone").count()).toBe(0);
	await other.goto(`${site.url}/dashboard/operator`);
	await other.getByLabel("Operator's token").fill(site.adminToken);
	await other.keyboard.press("Enter");
	await other.getByRole("button", { name: "Sign out as operator" }).waitFor();
	const headers = { "sec-fetch-site": "same-origin" };
	const statusOfOperator = async () => (await page.request.get(`${site.url}/v1/admin/session`, { headers })).status();
	expect(await statusOfOperator()).toBe(200);
	await other.getByRole("button", { name: "Sign out", exact: true }).click();
	await signInHeading(page).waitFor();
	expect(await statusOfOperator()).toBe(401);
});
