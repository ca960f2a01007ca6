/** `npm run test:browser`: pages in Chromium, against one service and in one browser, which all files share. */
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
	test: {
		root: join(import.meta.dirname, "../.."),
		include: ["test/browser/**/*.test.ts"],
		globalSetup: ["./test/browser/support/start-browser.ts"],
		reporters: ["dot"],
		isolate: false,
		maxWorkers: 2,
		maxConcurrency: 4,
		testTimeout: 60_000,
		hookTimeout: 60_000,
		// Beside other processes, one second is soon over.
		expect: { poll: { timeout: 10_000 } },
		experimental: { diagnostics: false },
	},
});
