/** A tenant of a test's own, so that tests of pages with empty lists run beside the others. */
import type { Page } from "playwright-core";
import { Holdfast } from "../../../client/index.ts";
import { SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { site } from "./visit.ts";

export async function aTenant(name: string): Promise<{ key: string; client: Holdfast }> {
	const { admin } = new Holdfast({ baseUrl: site.url, apiKey: site.adminToken });
	const { id } = await admin.createTenant({ name });
	const { key } = await admin.createKey(id, { name: "owner", scopes: [...SCOPES] });
	return { key, client: new Holdfast({ baseUrl: site.url, apiKey: key }) };
}

/** As somebody without a mouse does. */
export async function act(page: Page, role: "button" | "link", name: string | RegExp): Promise<void> {
	await page
		.getByRole(role, { name, exact: typeof name === "string" })
		.last()
		.focus();
	await page.keyboard.press("Enter");
}

/** In the dialog that is open, or opens. */
export async function actInDialog(page: Page, name: string): Promise<void> {
	await page.getByRole("dialog").getByRole("button", { name, exact: true }).focus();
	await page.keyboard.press("Enter");
}

/** In the dialog that is open, which closes. */
export async function confirm(page: Page, name: string): Promise<void> {
	await actInDialog(page, name);
	await page.getByRole("dialog").waitFor({ state: "hidden" });
}
