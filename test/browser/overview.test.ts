import { expect, it } from "vitest";
import { aTenant } from "./support/tenant.ts";
import { expectWellMade, press, site, visit } from "./support/visit.ts";

it("the overview says what failed and which model is throttled, and leads there", async () => {
	const { key, client } = await aTenant("with failures");
	const submit = (model: string, simulate: object) =>
		client.jobs.submit({ model, input: { messages: [{ role: "user", content: "Hello" }], simulate } });
	const failed = await submit("acme/good", { fail: [400] });
	await client.jobs.wait(await submit("acme/throttled", {}));
	for (let job = 0; job < 3; job++) await submit("acme/throttled", { fail: [429, 429], retry_after: 600 });
	const input = { messages: [{ role: "user" as const, content: "Hello" }] };
	await client.jobs.submit({ model: "acme/good", input, delay_seconds: 3_600 });
	await client.jobs.wait(failed);
	const page = await visit("/", { key });
	await page.getByRole("link", { name: /acme.throttled is throttled, and \d jobs? waits?/ }).waitFor();
	await page.getByRole("link", { name: failed.id }).waitFor();
	// Counted once a minute.
	await page.getByRole("img", { name: /^Open jobs: / }).waitFor({ timeout: 75_000 });
	await page.getByRole("link", { name: /Queued · due later/ }).waitFor({ timeout: 75_000 });
	await expectWellMade(page, "overview");
	await press(page, "g", "m");
	await page.getByRole("heading", { name: "Models" }).waitFor();
	await page.getByText(/Calls start again in \d/).waitFor();
	await expectWellMade(page, "models");
	await page.getByRole("row", { name: "acme/throttled" }).getByRole("link", { name: /^\d$/ }).click();
	await page.waitForURL(`${site.url}/dashboard/jobs?status=queued&model=acme%2Fthrottled`);
}, 180_000);

it("a tenant without jobs sees how to submit the first one to this service", async () => {
	const page = await visit("/dashboard", { key: (await aTenant("new")).key });
	const step = page.getByRole("listitem").filter({ hasText: "Submit a prompt" });
	expect(await step.locator("pre").textContent()).toContain(`curl ${site.url}/v1/jobs`);
	await page.getByText("All is well").waitFor();
	await expectWellMade(page, "first-steps");
});
