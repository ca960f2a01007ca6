import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

/** Inside workerd: real D1, R2 and queues, with the migrations applied. Nothing leaves the machine. */
const insideWorkerd = {
	plugins: [
		cloudflareTest(async () => ({
			remoteBindings: false,
			wrangler: { configPath: "./wrangler.toml" },
			miniflare: {
				// Lets a test call `exports.default.queue()` and `.scheduled()` and see what became of each message.
				compatibilityFlags: ["service_binding_extra_handlers"],
				bindings: {
					TEST_MIGRATIONS: await readD1Migrations("./migrations"),
					ADMIN_TOKEN: "test-admin-token",
					SIGNING_KEY: "dGVzdC1zaWduaW5nLWtleS10ZXN0LXNpZ25pbmcta2V5LTE=",
					MODEL_ROUTES: '[{"match":"simulated/*","provider":"simulated"}]',
					DEFAULT_MODEL: "simulated/echo",
					ALLOW_INSECURE_WEBHOOKS: "true",
				},
			},
		})),
	],
	test: { name: "workerd", include: ["test/workerd/**/*.test.ts"], setupFiles: ["./test/workerd/setup.ts"] },
};

/** Plain Node: pure code and tools. */
const plainNode = { test: { name: "node", include: ["test/node/**/*.test.ts"] } };

export default defineConfig({ test: { projects: [insideWorkerd, plainNode] } });
