/** Usage: charts, and the same numbers as a table and as CSV. */
import { expect, it } from "vitest";
import { act, aTenant } from "./support/tenant.ts";
import { expectWellMade, visit } from "./support/visit.ts";

it("shows what jobs used and how long they took, as charts, tables and CSV", async () => {
	const { key, client } = await aTenant("usage");
	const page = await visit("/dashboard/usage", { key });
	await page.getByText("No job became final in this time").waitFor();
	await expectWellMade(page, "usage-empty");
	const submit = (model: string, prompt: string) =>
		client.jobs.run({ model, input: { messages: [{ role: "user", content: prompt }] } });
	await Promise.all([submit("simulated/one", "Why?"), submit("simulated/=two", "Why not?")]);
	await page.reload();
	await page.getByText("2 succeeded").waitFor();
	await page.locator(".plot svg").nth(3).waitFor();
	await expectWellMade(page, "usage");
	await act(page, "button", "As table");
	await page.getByRole("table", { name: "Run" }).getByRole("columnheader", { name: "p95" }).waitFor();
	await page.getByLabel("By").selectOption("hour");
	await page.waitForURL(/by=hour/);
	await page.locator(".plot svg").nth(3).waitFor();
	await act(page, "button", "As table");
	await page.getByRole("table", { name: "Run" }).waitFor();
	await expectWellMade(page, "usage-table");
	const [download] = await Promise.all([
		page.waitForEvent("download"),
		page.getByRole("button", { name: "CSV" }).nth(1).click(),
	]);
	const text = Buffer.concat(await (await download.createReadStream()).toArray()).toString();
	expect(text).toMatch(/^time,"simulated\/.*\r\n(\d{4}-\d\d-\d\dT\d\d:00:00\.000Z,\d+,\d+\r\n)+$/);
});
