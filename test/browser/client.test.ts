/** The npm package's own files in Chromium, in a page of the service's origin, with an API key and with a session's cookie. */
import { join } from "node:path";
import { build } from "esbuild";
import { expect, it } from "vitest";
import { ROOT } from "../service/support/temporary-service.ts";
import { site, visit } from "./support/visit.ts";

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

it.each(["keyStory", "signedInStory"])("the package works in a page: %s", async (story) => {
	const page = await visit("/dashboard", { key: null });
	const script = await storyScript();
	const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/client/story.js"></script>';
	await page.route(`${site.url}/client/**`, async (route) => {
		const name = new URL(route.request().url()).pathname.slice("/client/".length);
		if (name === "") await route.fulfill({ contentType: "text/html", body: html });
		else if (name === "story.js") await route.fulfill({ contentType: "text/javascript", body: script });
		else await route.fulfill({ path: join(ROOT, "dist/client", name) });
	});
	await page.goto(`${site.url}/client/`);
	expect(await page.evaluate(`${story}(${JSON.stringify(site.key)})`)).toEqual(EXPECTED);
});
