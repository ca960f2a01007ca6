import type { Page, Route } from "playwright-core";
import { expect, it } from "vitest";
import { HOSTILE } from "../node/dashboard/hostile.ts";
import { expectWellMade, holdfast, press, tabTo, visit } from "./support/visit.ts";

const input = { messages: [{ role: "user" as const, content: "Why is the sky blue?" }] };

const idIn = (page: Page) => /job_[0-9a-z]{26}/.exec(page.url())?.[0] ?? "";

it("by keyboard alone, a job is submitted, seen live, retried with an edit, and compared", async () => {
	const page = await visit("/dashboard/jobs");
	await press(page, "g", "n");
	await page.getByRole("heading", { name: "New job" }).waitFor();
	await page.getByText("The model is simulated").waitFor();
	await tabTo(page, /^fails once/);
	await press(page, "Enter");
	await expectWellMade(page, "new-job");
	await tabTo(page, /^Run job/);
	await press(page, "Enter");
	const timeline = page.getByRole("region", { name: "Timeline" });
	await timeline.getByText("running").waitFor();
	await page.getByText(/^Succeeded in/).waitFor({ timeout: 30_000 });
	await expect
		.poll(() => timeline.innerText())
		.toMatch(/Attempt 1\s+HTTP 500.*Attempt 2\s+HTTP 200.*waited .* before this attempt.*Stored/s);
	const first = idIn(page);
	await page.getByText("This is a simulated answer").waitFor();
	await expectWellMade(page, "job");
	await press(page, "e");
	await page.getByRole("heading", { name: "Edit and retry" }).waitFor();
	await page.getByRole("combobox", { name: "Role of message 1" }).waitFor();
	await tabTo(page, /^Role of message/);
	await press(page, "Tab");
	await press(page, "Control+a");
	await page.keyboard.type("Why is the sea blue?");
	await page.getByText("Changed: input.messages.").waitFor();
	await expectWellMade(page, "retry");
	await tabTo(page, /^Retry with changes/);
	await press(page, "Enter", "Enter");
	await page.getByRole("heading", { name: "Before" }).waitFor();
	await page.getByText("Why is the sea blue?").waitFor({ timeout: 30_000 });
	await page.getByText("Why is the sky blue?").waitFor();
	expect((await holdfast.jobs.list({ retryOf: first, order: "asc" })).data.map(({ id }) => id)).toEqual([idIn(page)]);
	await expectWellMade(page, "compare");
});

it("a submission that is not valid JSON is not sent, and one that is refused says which field is wrong", async () => {
	const page = await visit("/dashboard/new");
	const submitted: string[] = [];
	page.on("request", (request) => request.method() === "POST" && submitted.push(request.postData() ?? ""));
	await page.getByRole("button", { name: "JSON" }).click();
	const editor = page.getByLabel("Submission");
	await editor.fill('{\n  "input": {"messages": []]\n}');
	await page.getByRole("button", { name: "Run job" }).click();
	await page.getByText(/Not valid JSON: .*line 2 column/).waitFor();
	expect(await page.evaluate("document.activeElement?.className")).toContain("json-editor");
	await expectWellMade(page, "new-job-not-json");
	await page.getByRole("button", { name: "Form" }).click();
	expect([await editor.isVisible(), submitted]).toEqual([true, []]);
	await editor.fill(JSON.stringify({ input, priority: 99 }));
	await page.getByRole("button", { name: "Run job" }).click();
	await page.getByText(/^priority: /).waitFor();
	expect(submitted.map((body) => JSON.parse(body).priority)).toEqual([99]);
});

it("a submission whose response was lost makes one job when it is repeated, and another one once it was edited", async () => {
	const page = await visit("/dashboard/new");
	const made: string[] = [];
	const lost = async (route: Route) => {
		const request = route.request();
		const idempotencyKey = request.headers()["idempotency-key"];
		made.push((await holdfast.jobs.submit(request.postDataJSON(), { idempotencyKey })).id);
		const error = { message: "The response is lost.", type: "api_error", code: "conflict", request_id: "req_lost" };
		await route.fulfill({ status: 409, json: { error } });
	};
	const run = () => page.getByRole("button", { name: "Run job" }).click();
	await page.route("**/v1/jobs", lost, { times: 2 });
	await run();
	await page.getByRole("alert").waitFor();
	await run();
	await expect.poll(() => made.length).toBe(2);
	await page.getByLabel("Message", { exact: true }).fill("Why is the sea blue?");
	await run();
	await page.getByRole("region", { name: "Timeline" }).waitFor();
	expect(new Set([...made, idIn(page)]).size).toBe(2);
});

it("a job is cancelled, and shows what it waited for; one that failed shows why, with its webhooks", async () => {
	const waiting = await holdfast.jobs.submit({ input, delay_seconds: 3_600 });
	const page = await visit(`/dashboard/jobs/${waiting.id}`);
	await page.getByText(/^Waits until \d/).waitFor();
	await press(page, "c");
	await page.getByRole("dialog").getByRole("button", { name: "Cancel job" }).click();
	await page.getByText("Cancelled before its model was called.").waitFor();
	const webhook = { url: "http://127.0.0.1:9/hook" };
	const failing = await holdfast.jobs.submit({ input: { ...input, simulate: { fail: 400 } }, webhook });
	await holdfast.jobs.wait(failing);
	await page.goto(page.url().replace(waiting.id, `${failing.id}?tab=webhooks`));
	await page.getByText(/^Failed for good, as the same call would fail again/).waitFor();
	await page.getByText("No reply").first().waitFor({ timeout: 30_000 });
	for (const tab of ["webhooks", "attempts", "prompt"]) {
		await page
			.getByRole("navigation", { name: "Parts of the job" })
			.getByRole("link", { name: new RegExp(tab, "i") })
			.click();
		await page.waitForURL(new RegExp(`tab=${tab}`));
		await expectWellMade(page, `job-${tab}`);
	}
});

it("what is known of a running job stays while its history is read again", async () => {
	const simulate = { latency_ms: 3_000, fail: [500, 500] };
	const { id } = await holdfast.jobs.submit({ input: { ...input, simulate } });
	const page = await visit(`/dashboard/jobs/${id}`);
	await page.getByText("Queued").first().waitFor();
	const failures = page.getByRole("region", { name: "Timeline" }).getByText("HTTP 500");
	const atFirst = await failures.count();
	await expect.poll(() => failures.count(), { timeout: 30_000 }).toBeGreaterThan(atFirst);
	const seen = await failures.count();
	const error = { message: "Not now.", code: "conflict" };
	await page.route("**/v1/jobs/*include=*", (route) => route.fulfill({ status: 409, json: { error } }));
	await page.getByText(/^Succeeded in/).waitFor({ timeout: 30_000 });
	expect(await failures.count()).toBeGreaterThanOrEqual(seen);
});

/** The page of a job whose answer is `content`. */
async function visitAnswer(content: unknown): Promise<Page> {
	const job = await holdfast.jobs.wait(await holdfast.jobs.submit({ input }));
	const page = await visit("/dashboard/jobs");
	const completion = { choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }] };
	await page.route("**/v1/jobs/*/result", (route) => route.fulfill({ json: completion }));
	await page.addInitScript(
		"globalThis.long = []; new PerformanceObserver((list) => long.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: 'longtask', buffered: true });",
	);
	await page.goto(`${new URL(page.url()).origin}/dashboard/jobs/${job.id}`);
	await page.locator(".answer").waitFor();
	return page;
}

it("nothing in an answer runs or is loaded, and no policy is broken by it", async () => {
	const page = await visitAnswer(Object.values(HOSTILE).map((text) => ({ type: "text", text })));
	for (const view of ["Raw text", "JSON", "Markdown"]) {
		await page.getByRole("button", { name: view }).click();
		await page.waitForTimeout(300);
		expect(await page.locator(".answer :is(img, script, iframe, object, style, link)").count()).toBe(0);
	}
	await expectWellMade(page, "hostile-answer");
});

/** The longest that the page was held up in milliseconds, at the best of three times: other processes hold it up too. */
async function longest(page: Page, isShown: () => Promise<unknown>): Promise<number> {
	const found: number[] = [];
	for (let time = 0; time < 3 && (found.at(-1) ?? 200) >= 200; time++) {
		await page.reload();
		await isShown();
		found.push(await page.evaluate("Math.max(0, ...long)"));
	}
	return Math.min(...found);
}

it("neither a long answer nor a large prompt holds up the page", async () => {
	const block =
		"Some *emphasis*, **strong** text, `code` and a [link](https://example.com/a).\n\n- one\n- two\n\n```js\nconst a = 1;\n```\n\n";
	const page = await visitAnswer(block.repeat(Math.floor(149_000 / block.length)));
	expect(await longest(page, () => page.locator(".piece").nth(60).waitFor({ state: "attached" }))).toBeLessThan(200);
	const large = { messages: [{ role: "user" as const, content: "word ".repeat(1_200_000) }] };
	const { id } = await holdfast.jobs.submit({ input: large, delay_seconds: 3_600 });
	await page.goto(`${new URL(page.url()).origin}/dashboard/jobs/${id}?tab=prompt`);
	await page.getByText("The first 64 KiB of 5.7 MiB.").waitFor();
	expect(await longest(page, () => page.locator(".plain-text pre").nth(3).waitFor())).toBeLessThan(200);
	await holdfast.jobs.cancel(id);
});
