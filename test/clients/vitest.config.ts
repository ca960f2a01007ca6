/** `npm run test:clients`: clients that others wrote, unmodified, against the service as `npm start` runs it. */
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
	test: {
		root: join(import.meta.dirname, "../.."),
		include: ["test/clients/**/*.test.ts"],
		globalSetup: ["./test/service/support/start-service.ts"],
		reporters: ["dot"],
		fileParallelism: false,
		maxConcurrency: 20,
		testTimeout: 60_000,
		hookTimeout: 60_000,
		experimental: { diagnostics: false },
	},
});
