/**
 * `npm run test:browser`: the npm package's own files in Chromium, in a page of the service's origin. CHROMIUM names another
 * browser than Debian's.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium, type Page } from "playwright-core";
import { ROOT, startTemporaryService } from "../service/support/temporary-service.ts";

const { CHROMIUM = "/usr/bin/chromium" } = process.env;
/** As root, without a network beside the service's. */
const FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync";

const EXPECTED = {
	last: "succeeded",
	text: "This is a simulated answer",
	batch: 3,
	listed: 5,
	once: 1,
	cancelled: true,
	erased: true,
	aborted: "enough",
	left: "cancelled",
};

/** The story as a script, which imports the package's files by their addresses. */
async function storyScript(): Promise<string> {
	const installed = {
		name: "installed",
		setup: ({ onResolve }: { onResolve(filter: { filter: RegExp }, to: () => object): void }) =>
			onResolve({ filter: /client\/index\.ts$/ }, () => ({ path: "/client/index.js", external: true })),
	};
	const entryPoints = [join(import.meta.dirname, "client-story.ts")];
	const { outputFiles } = await build({ entryPoints, bundle: true, format: "esm", write: false, plugins: [installed] });
	return `${outputFiles[0]?.text}\nObject.assign(globalThis, { keyStory, signedInStory });`;
}

/** A page of the service's origin, with the package's files below it. */
async function openPage(page: Page, url: string): Promise<void> {
	const script = await storyScript();
	const html = '<!doctype html><script type="module" src="/client/story.js"></script>';
	await page.route(`${url}/client/**`, async (route) => {
		const name = new URL(route.request().url()).pathname.slice("/client/".length);
		if (name === "") await route.fulfill({ contentType: "text/html", body: html });
		else if (name === "story.js") await route.fulfill({ contentType: "text/javascript", body: script });
		else await route.fulfill({ path: join(ROOT, "dist/client", name) });
	});
	await page.goto(`${url}/client/`);
}

execFileSync("npm", ["run", "-s", "client:pack", "--", "--dry-run"], { cwd: ROOT });
const service = await startTemporaryService({});
try {
	const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(" ") });
	const page = await browser.newPage();
	const failures: string[] = [];
	page.on("pageerror", (error) => failures.push(error.message));
	await openPage(page, service.url);
	for (const story of ["keyStory", "signedInStory"]) {
		const found = await page.evaluate(`${story}(${JSON.stringify(service.key)})`);
		assert.deepEqual([found, failures], [EXPECTED, []], story);
	}
	console.log(`The client works in Chromium ${browser.version()}, with an API key and with a session's cookie.`);
	await browser.close();
} finally {
	await service.stop();
}
