/** A signed-in page of the dashboard, which may do nothing that its policy refuses, and no page does unseen. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { expect, inject, onTestFinished } from "vitest";
import { Holdfast } from "../../../client/index.ts";

export const site = inject("site");
/** Of the development tenant, with all scopes. */
export const holdfast = new Holdfast({ baseUrl: site.url, apiKey: site.key });

export const { admin } = new Holdfast({ baseUrl: site.url, apiKey: site.adminToken });

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** The last is what the test goes on with. */
const WIDTHS = [360, 1280];
const THEMES = ["light", "dark"] as const;
/** SCREENSHOTS names a folder: every page in both themes and widths. */
const { SCREENSHOTS } = process.env;

let browser: Promise<Browser> | null = null;

export interface VisitOptions {
	/** Null: without a session. */
	key?: string | null;
	width?: number;
	/** Files that the test takes away. */
	missing?: RegExp;
}

/** Opens a page, and at the end of the test expects that nothing went wrong in it. */
export async function visit(path: string, { key = site.key, width = 1280, missing }: VisitOptions = {}): Promise<Page> {
	browser ??= chromium.connect(inject("browser"));
	const context = await (await browser).newContext({ viewport: { width, height: 900 } });
	const page = await context.newPage();
	const wrong = watch(page, missing);
	onTestFinished(async () => {
		await context.close();
		expect(wrong).toEqual([]);
	});
	if (key === null) await page.goto(site.url + path);
	else {
		const response = await context.request.post(`${site.url}/v1/session`, { data: { key } });
		expect(response.status()).toBe(201);
		await page.goto(site.url + path);
		await page.locator("h1").waitFor();
	}
	return page;
}

/** Errors of the page, what its policy refused, and requests to others than the service. */
function watch(page: Page, missing = /^$/): string[] {
	const wrong: string[] = [];
	page.on("pageerror", (error) => wrong.push(String(error)));
	page.on("console", (message) => {
		// The browser reports each refusal of the API, too.
		const { url } = message.location();
		const isRefusal =
			/status of 4\d\d/.test(message.text()) && (url.startsWith(`${site.url}/v1/`) || missing.test(url));
		if (["error", "warning"].includes(message.type()) && !isRefusal) wrong.push(message.text());
	});
	page.on("request", (request) => {
		const url = request.url();
		if (!url.startsWith(`${site.url}/`) && !/^(data|blob):/.test(url)) wrong.push(`asked ${url}`);
	});
	return wrong;
}

/**
 * No text of others turns the text around it. In both themes and at both widths: axe finds nothing, and nothing is wider
 * than the page.
 */
export async function expectWellMade(page: Page, name: string): Promise<void> {
	expect((await page.locator("body").innerText()) + (await page.title()), name).not.toMatch(
		/[\u202a-\u202e\u2066-\u2069]/,
	);
	for (const width of WIDTHS)
		for (const theme of THEMES) {
			await page.setViewportSize({ width, height: 900 });
			await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
			const where = `${name}-${theme}-${width}`;
			if (SCREENSHOTS !== undefined) await page.screenshot({ path: join(SCREENSHOTS, `${where}.png`), fullPage: true });
			expect(await axeOn(page), where).toEqual([]);
			await expectToFit(page, where);
		}
}

/** Nothing is wider than the page. */
async function expectToFit(page: Page, where: string): Promise<void> {
	expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), where).toBeLessThanOrEqual(0);
}

/** At both widths. Without axe, which takes seconds where there are a hundred rows: a few alike show it as much. */
export async function expectAllToFit(page: Page, name: string): Promise<void> {
	for (const width of WIDTHS) {
		await page.setViewportSize({ width, height: 900 });
		await expectToFit(page, `${name}-${width}`);
	}
}

/** What axe finds: the rule, and the elements that break it. */
async function axeOn(page: Page): Promise<unknown> {
	if (!(await page.evaluate("'axe' in window"))) await page.evaluate(AXE);
	return await page.evaluate(
		"axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.slice(0, 5).map(({ html }) => html)].join(' ')))",
	);
}

/** Presses keys one after the other, as somebody without a mouse does. */
export async function press(page: Page, ...keys: string[]): Promise<void> {
	for (const key of keys) await page.keyboard.press(key);
}

/** The text of what has the focus. */
export const focused = (page: Page): Promise<string> =>
	page.evaluate(
		"(document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').trim()",
	);

/** Moves the focus as somebody without a mouse does. */
export async function tabTo(page: Page, name: string | RegExp, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
	for (let presses = 0; presses < 80; presses++) {
		if ((await focused(page)).match(name)) return;
		await press(page, key);
	}
	throw new Error(`${key} does not reach ${name}.`);
}
