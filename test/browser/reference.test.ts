/** The API reference at `/docs`: drawn under its policy in both themes, and a request is tried with the session's cookie. */
import { expect, it } from "vitest";
import { visit } from "./support/visit.ts";

it.each(["light", "dark"] as const)(
	"requests are tried from the reference, in a page that is %s",
	async (colorScheme) => {
		const page = await visit("/dashboard/jobs");
		await page.emulateMedia({ colorScheme });
		await page.goto(new URL("/docs", page.url()).href);
		expect(await page.evaluate("document.documentElement.className")).toBe(colorScheme === "dark" ? "dark-mode" : "");
		const listJobs = page.locator("#operations-Jobs-listJobs");
		await listJobs.locator(".opblock-summary-control").click();
		await listJobs.locator(".execute").click();
		const status = listJobs.locator(".live-responses-table tbody td.response-col_status").first();
		expect(await status.innerText()).toMatch(/^200/);
	},
);

it("without its files, it links to the description of the API", async () => {
	const page = await visit("/dashboard/jobs", { missing: /swagger-ui/ });
	await page.route("**/docs/swagger-ui*", (route) => route.fulfill({ status: 404, body: "" }));
	await page.goto(new URL("/docs", page.url()).href);
	await page.getByRole("link", { name: "/openapi.json" }).waitFor();
});
