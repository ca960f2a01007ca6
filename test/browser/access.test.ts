/** Keys, the audit log, and the operator's view. */
import type { Route } from "playwright-core";
import { expect, it } from "vitest";
import { act, aTenant, confirm } from "./support/tenant.ts";
import { expectWellMade, focused, press, site, visit } from "./support/visit.ts";

it("keys are created for a colleague, and revoked after a look at their last use; the audit log says who did it", async () => {
	const { key } = await aTenant("keys");
	const page = await visit("/dashboard/keys", { key });
	await act(page, "button", "Read-only for a colleague");
	await page.getByLabel("Name").fill("Ana's <b>dashboard</b>\u202E");
	await page.keyboard.press("Enter");
	await page.getByText("It is shown only now.").waitFor();
	await press(page, "Escape", "Escape", "Escape");
	expect(await page.getByRole("button", { name: "Close" }).count()).toBe(0);
	const colleagues = await page.getByRole("dialog").locator("pre").innerText();
	await confirm(page, "I have kept it");
	await page.getByText("Ana's <b>dashboard</b>").first().waitFor();
	await act(page, "button", "Create key");
	await expectWellMade(page, "keys-create");
	await press(page, "Escape");
	await expect.poll(() => focused(page)).toBe("Create key");
	await press(page, "Enter");
	await page.getByLabel("Name").fill("Old");
	// While the key is created: without the dialog, nobody would see its secret.
	const escaped = async (route: Route) => {
		await press(page, "Escape", "Escape");
		await route.continue();
	};
	await page.route("**/v1/keys", escaped, { times: 1 });
	await page.keyboard.press("Enter");
	await page.getByText("It is shown only now.").waitFor();
	await confirm(page, "I have kept it");
	await act(page, "button", "Revoke Old");
	await page.getByText("It has never been used.").waitFor();
	await confirm(page, "Revoke key");
	await page.getByText("Revoked").waitFor();
	await expectWellMade(page, "keys");
	await act(page, "link", "Audit log");
	await page.getByText("Revoked a key").first().waitFor();
	await expectWellMade(page, "audit");
	await page.getByLabel("Who").selectOption("operator");
	await page.getByText("Created the tenant").waitFor();
	expect(await page.getByText("Revoked a key").count()).toBe(0);

	const reading = await visit("/dashboard/webhooks", { key: colleagues });
	await reading.getByText("read-only").waitFor();
	for (const name of ["API keys", "Audit log"]) expect(await reading.getByRole("link", { name }).count()).toBe(0);
});

it("the operator signs in apart, sees tenants with their limits, and signs out", async () => {
	const { key } = await aTenant("<script>alert(1)</script>\u202E");
	const page = await visit("/dashboard/operator", { key });
	const token = page.getByLabel("Operator's token");
	await token.fill("wrong");
	await page.keyboard.press("Enter");
	await page.getByText("Invalid admin token.").waitFor();
	await expectWellMade(page, "operator-sign-in");
	await token.fill(site.adminToken);
	await page.keyboard.press("Enter");
	await page
		.getByRole("row", { name: /<script>alert/ })
		.first()
		.waitFor();
	await page.getByText("All secrets under the current key").waitFor();
	await expectWellMade(page, "operator");
	await act(page, "button", "Sign out as operator");
	await token.waitFor();
});
