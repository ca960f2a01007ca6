import { expect, it } from "vitest";
import type { SubmitJob } from "../../client/index.ts";
import {
	admin,
	expectAllToFit,
	expectWellMade,
	focused,
	holdfast,
	press,
	site,
	tabTo,
	visit,
} from "./support/visit.ts";

const job = (metadata: Record<string, string>, rest: Partial<SubmitJob> = {}): SubmitJob => ({
	input: { messages: [{ role: "user", content: "What holds fast?" }] },
	metadata,
	...rest,
});
const later = { delay_seconds: 3_600 };

it("the list follows jobs while it is read: rows change in place, and new ones wait behind a button", async () => {
	const list = { list: "live" };
	const first = await holdfast.jobs.submit(job(list, later));
	const page = await visit("/dashboard/jobs?metadata[list]=live");
	const rows = page.locator("tbody tr");
	await rows.getByText("Queued").waitFor();
	await holdfast.jobs.cancel(first.id);
	await rows.getByText("Cancelled").waitFor();
	for (let count = 0; count < 2; count++) await holdfast.jobs.submit(job(list, later));
	const button = page.getByRole("button", { name: "Show 2 new jobs" });
	await button.waitFor();
	expect(await rows.count()).toBe(1);
	await button.click();
	await expect.poll(() => rows.count()).toBe(3);
	await press(page, ".");
	await page.getByText("Updates paused").waitFor();
});

it("the keyboard alone filters, moves, selects, acts and opens", async () => {
	const list = { list: "keys" };
	for (const part of ["a", "b", "c"]) await holdfast.jobs.submit(job({ ...list, part }, later));
	const page = await visit("/dashboard/jobs");
	expect(await focused(page)).toBe("Jobs");
	await press(page, "/");
	await page.keyboard.type("list:keys nonsense");
	await press(page, "Enter");
	await page.getByText("“nonsense” is no filter").waitFor();
	await press(page, "Control+A");
	await page.keyboard.type("list:keys status:queued");
	await press(page, "Enter");
	await expect.poll(() => new URL(page.url()).search).toBe("?status=queued&metadata%5Blist%5D=keys");
	const rows = page.locator("tbody tr[data-key]");
	await expect.poll(() => rows.count()).toBe(3);
	await page.locator("h1").focus();
	await press(page, "j", "x", "j", "x", "c");
	const dialog = page.getByRole("dialog", { name: "Cancel 2 jobs?" });
	await dialog.waitFor();
	await expectWellMade(page, "jobs-confirm");
	await dialog.getByRole("button", { name: "Cancel 2 jobs" }).focus();
	await press(page, "Enter");
	await expect.poll(() => rows.count()).toBe(1);
	await page.locator("h1").focus();
	await press(page, "?");
	await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
	await expectWellMade(page, "shortcuts");
	await press(page, "Escape", "j", "Enter");
	await expect.poll(() => new URL(page.url()).pathname).toMatch(/^\/dashboard\/jobs\/job_/);
	await press(page, "g", "j");
	await expect.poll(() => new URL(page.url()).pathname).toBe("/dashboard/jobs");
});

it("the keyboard alone leads from the overview to a job far down the list, and to its retry and that of a selected one", async () => {
	const list = { walk: "1" };
	for await (const item of holdfast.batch(Array.from({ length: 101 }, () => job(list)))) expect(item.ok).toBe(true);
	const [oldest] = (await holdfast.jobs.list({ metadata: list, order: "asc", limit: 1 })).data;
	const page = await visit("/dashboard");
	const rows = page.locator("tbody tr[data-key]");
	const filter = async () => {
		await page.getByRole("heading", { name: "Jobs", exact: true }).waitFor();
		await press(page, "/");
		await page.keyboard.type("walk:1");
		await press(page, "Enter");
		await page.waitForURL(/walk/);
		await rows.nth(99).waitFor();
	};
	await tabTo(page, /^Jobs$/);
	await press(page, "Enter");
	await filter();
	await tabTo(page, /^(Load more|Go on)$/, "Shift+Tab");
	await press(page, "Enter");
	await rows.nth(100).waitFor();
	await tabTo(page, /^job_/, "Shift+Tab");
	await press(page, "Enter");
	await page.waitForURL(`${site.url}/dashboard/jobs/${oldest?.id}`);
	await page.getByRole("button", { name: "Retry", exact: true }).waitFor();
	await press(page, "r");
	await page.waitForURL((url) => url.pathname.includes("job_") && !url.pathname.endsWith(oldest?.id ?? ""));
	await press(page, "g", "j");
	await filter();
	await press(page, "Tab", "j", "j", "x", "r");
	await page.getByRole("dialog", { name: "Retry 1 job?" }).waitFor();
	await tabTo(page, /^Retry 1 job$/);
	await press(page, "Enter");
	await page.getByRole("dialog").waitFor({ state: "hidden" });
	const retried = (await holdfast.jobs.list({ metadata: list, limit: 2 })).data.map(({ retry_of }) => retry_of);
	expect([retried.includes(oldest?.id ?? ""), retried.every((id) => id !== null)]).toEqual([true, true]);
});

it("a range is selected with shift, and deleting more than a hundred jobs needs their count", async () => {
	const list = { list: "many" };
	const ids: string[] = [];
	for await (const item of holdfast.batch(Array.from({ length: 102 }, () => job(list))))
		if (item.ok) ids.push(item.answer.job.id);
	const page = await visit("/dashboard/jobs?metadata[list]=many");
	const boxes = page.getByRole("checkbox", { name: /^Select job_/ });
	await expect.poll(() => boxes.count()).toBe(100);
	await page.getByRole("button", { name: /Load more|Go on/ }).click();
	await expect.poll(() => boxes.count()).toBe(102);
	await press(page, "j");
	await boxes.nth(101).scrollIntoViewIfNeeded();
	const scrollY = () => page.evaluate("scrollY");
	const left = await scrollY();
	await page.locator("tbody .job-id").nth(101).click();
	await page.getByRole("region", { name: "Timeline" }).waitFor();
	await page.goBack();
	await expect.poll(scrollY).toBe(left);
	expect([await boxes.count(), Number(left) > 2_000]).toEqual([102, true]);
	expect(await page.locator("tr[aria-current]").count()).toBe(1);
	await press(page, "g", "j");
	await page.waitForURL(/jobs$/);
	await page.getByLabel("Filter").fill("list:many");
	await press(page, "Enter");
	await expect.poll(() => boxes.count()).toBe(100);
	await page.getByRole("button", { name: /Load more|Go on/ }).click();
	await expect.poll(() => boxes.count()).toBe(102);
	await boxes.nth(1).click();
	await boxes.nth(4).click({ modifiers: ["Shift"] });
	await page.getByText("4 jobs selected").waitFor();
	await page.getByRole("checkbox", { name: "Select all jobs of the list" }).click();
	await page.getByText("102 jobs selected").waitFor();
	await expectAllToFit(page, "jobs-many-selected");
	await page.locator(".selection-bar").getByRole("button", { name: "Delete" }).click();
	const confirm = page.getByRole("dialog").getByRole("button", { name: "Delete 102 jobs" });
	expect(await confirm.isDisabled()).toBe(true);
	await page.getByLabel("Type 102 to confirm").fill("102");
	await confirm.click();
	await page.getByText("No jobs match").waitFor();
	expect((await holdfast.jobs.list({ metadata: list })).data).toEqual([]);
	await expectWellMade(page, "jobs-none");
});

it("a bulk retry that is repeated after a failure makes one job for each, also where a response was lost", async () => {
	const list = { list: "bulk" };
	const jobs = await Promise.all(["a", "b", "c"].map((part) => holdfast.jobs.run(job({ ...list, part }))));
	const [lost] = jobs.map((answer) => answer.job.id);
	const page = await visit("/dashboard/jobs?metadata[list]=bulk");
	await page.route(`**/v1/jobs/${lost}/retry`, async (route) => {
		await holdfast.jobs.retry(lost ?? "", {}, { idempotencyKey: route.request().headers()["idempotency-key"] });
		const error = { message: "The response is lost.", type: "api_error", code: "conflict", request_id: "req_lost" };
		await route.fulfill({ status: 409, json: { error } });
	});
	await expect.poll(() => page.locator("tbody tr[data-key]").count()).toBe(3);
	await page.getByRole("checkbox", { name: "Select all jobs of the list" }).click();
	await page.locator(".selection-bar").getByRole("button", { name: "Retry" }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Retry 3 jobs" }).click();
	await page.getByText("1 of 3 jobs failed. The response is lost.").waitFor();
	await page.getByText("req_lost").waitFor();
	await page.getByText("1 job selected").waitFor();
	await expectWellMade(page, "jobs-partly-failed");
	await page.unroute(`**/v1/jobs/${lost}/retry`);
	await page.getByRole("dialog").getByRole("button", { name: "Go back" }).click();
	await page.locator(".selection-bar").getByRole("button", { name: "Retry" }).click();
	await page.getByRole("dialog").getByRole("button", { name: "Retry 1 job" }).click();
	await page.getByRole("dialog").waitFor({ state: "hidden" });
	await page.locator(".selection-bar").waitFor({ state: "hidden" });
	expect((await holdfast.jobs.list({ metadata: list })).data).toHaveLength(6);
});

it("every state is legible in both themes and widths, and chosen columns are kept", async () => {
	const list = { list: "looks", user: "42" };
	await holdfast.jobs.run(job(list));
	await holdfast.jobs.submit(job(list, later));
	const { id } = await holdfast.jobs.submit(job(list, later));
	await holdfast.jobs.cancel(id);
	const failing = { ...job(list).input, simulate: { fail: [400] } };
	await holdfast.jobs.wait(await holdfast.jobs.submit(job(list, { input: failing })));
	const long = { ...list, session: "a-session-whose-name-is-longer-than-its-place", customer: "Müller & Söhne GmbH" };
	await holdfast.jobs.submit(job(long, { ...later, model: "anthropic/claude-sonnet-4-5-20250929" }));
	const page = await visit("/dashboard/jobs?metadata[list]=looks");
	await page.getByText("Cancelled").last().waitFor();
	const rows = page.locator("tbody tr[data-key]");
	await expectWellMade(page, "jobs");
	const [box] = await page.locator("td label").all();
	const { width = 0, height = 0 } = (await box?.boundingBox()) ?? {};
	expect(Math.min(width, height)).toBeGreaterThanOrEqual(24);
	expect(await page.locator(".table").evaluate((table) => table.scrollWidth - table.clientWidth)).toBe(0);
	await page.setViewportSize({ width: 360, height: 900 });
	expect(await page.locator("td.column-metadata:not(:empty)").count()).toBe(5);
	await page.setViewportSize({ width: 1280, height: 900 });
	const all = page.getByRole("checkbox", { name: "Select all jobs of the list" });
	await all.click();
	await expectWellMade(page, "jobs-selected");
	await all.click();
	await page.getByText("Columns", { exact: true }).click();
	await page.getByRole("checkbox", { name: "Tokens" }).click();
	await page.reload();
	await page.getByRole("columnheader", { name: "Model" }).waitFor();
	expect(await page.getByRole("columnheader", { name: "Tokens" }).count()).toBe(0);
	await page.goto(`${site.url}/dashboard/jobs?status=done&metadata[list]=looks`);
	await page.getByText("“done” is no status").waitFor();
	expect(await rows.count()).toBe(0);
	await expectWellMade(page, "jobs-wrong-address");
	await page.getByRole("link", { name: "Show the list without it" }).click();
	await expect.poll(() => rows.count()).toBe(5);
});

it("a tenant without jobs sees how to submit one", async () => {
	const tenant = await admin.createTenant({ name: "Newcomer" });
	const { key } = await admin.createKey(tenant.id, {});
	const page = await visit("/dashboard/jobs", { key });
	await page.getByText("No jobs yet").waitFor();
	await expectWellMade(page, "jobs-first");
});
