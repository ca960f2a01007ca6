import { existsSync, mkdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { experimental_readRawConfig } from "wrangler";
import { fakeAiUpstream } from "./test/workerd/model/support/fake-ai-upstream.ts";

/** Several times what all tests together write. */
const TEMPORARY_BYTES_MAX = 2 ** 30;

/** D1 and R2 wait for the disk at each write. Where Linux has the memory for it, temporary files have none to wait for. */
function keepInMemory(): void {
	const memory = "/dev/shm";
	if (!existsSync(memory)) return;
	const { bavail, bsize } = statfsSync(memory);
	if (bavail * bsize >= TEMPORARY_BYTES_MAX) process.env.TMPDIR ??= memory;
}

keepInMemory();

/**
 * Writes `wrangler.toml` without what the tests give themselves, which wrangler would warn about once a file: the secrets,
 * the AI binding, and the dashboard, which need not be built. Nothing has a rate limit: a test that is about one gives itself a limiter. In a folder of its own, because wrangler would read the `.dev.vars` beside it.
 */
function testConfig(): string {
	const root = import.meta.dirname;
	const folder = join(root, ".wrangler/vitest");
	const {
		secrets: _,
		ai: __,
		assets: ___,
		main = "",
		...config
	} = experimental_readRawConfig({ config: "wrangler.toml" }).rawConfig;
	for (const { simple } of config.ratelimits ?? []) simple.limit = 1_000_000;
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, "wrangler.json"), JSON.stringify({ ...config, main: join(root, main) }));
	return join(folder, "wrangler.json");
}

/** Its source map names sources that the package does not contain, which Vite would warn about. */
const withoutSourceMap = {
	name: "without-source-map",
	load: (id: string) =>
		/\/standardwebhooks\/dist\/[^?]+$/.test(id) ? { code: readFileSync(id, "utf8"), map: null } : null,
};

const DASHBOARD = "<!doctype html><title>Holdfast</title>";

/** Inside workerd: real D1, R2 and queues, with the migrations applied. Nothing leaves the machine. */
const insideWorkerd = {
	plugins: [
		withoutSourceMap,
		cloudflareTest(async () => ({
			remoteBindings: false,
			wrangler: { configPath: testConfig() },
			miniflare: {
				// Lets a test call `exports.default.queue()` and `.scheduled()` and see what became of each message.
				compatibilityFlags: ["service_binding_extra_handlers"],
				// The binding's own client runs, and its HTTP goes to the fake.
				ai: { binding: "AI", remoteProxyConnectionString: proxyAt(await fakeAiUpstream()) },
				serviceBindings: { ASSETS: () => new Response(DASHBOARD) },
				bindings: {
					FAKE_AI_PORT: await fakeAiUpstream(),
					TEST_MIGRATIONS: await readD1Migrations("./migrations"),
					ADMIN_TOKEN: "test-admin-token-test-admin-token",
					SIGNING_KEY: "dGVzdC1zaWduaW5nLWtleS10ZXN0LXNpZ25pbmcta2V5LTE=",
					MODEL_ROUTES: '[{"match":"simulated/*","provider":"simulated"}]',
					DEFAULT_MODEL: "simulated/echo",
					ALLOW_INSECURE_WEBHOOKS: "true",
					ALLOW_SIMULATED: "true",
					WEBHOOK_DNS_URL: "",
					WEBHOOK_LIMIT: "100,10000",
				},
			},
		})),
	],
	test: {
		name: "workerd",
		include: ["test/workerd/**/*.test.ts"],
		setupFiles: ["./test/workerd/setup.ts"],
		// Nothing in a test waits for a clock; a small machine that runs all files at once just is not fast.
		testTimeout: 30_000,
	},
};

function proxyAt(port: number) {
	return Object.assign(new URL(`http://127.0.0.1:${port}/`), { __brand: "RemoteProxyConnectionString" as const });
}

/** Plain Node: pure code and tools. */
const plainNode = {
	oxc: { jsx: { importSource: "preact" } },
	test: {
		name: "node",
		include: ["test/node/**/*.test.{ts,tsx}"],
		// Files share the modules of a process. This one adds `.openapi` to the schemas that are made after it.
		isolate: false,
		setupFiles: ["@hono/zod-openapi"],
		testTimeout: 30_000,
	},
};

const VERIFICATION = "test/service/verification.test.ts";

/** The whole service from outside, as `npm start` runs it: started once for all of these files. */
const wholeService = {
	test: {
		name: "service",
		include: ["test/service/**/*.test.ts"],
		exclude: [VERIFICATION],
		globalSetup: ["./test/service/support/start-service.ts"],
		fileParallelism: false,
		maxConcurrency: 20,
		testTimeout: 60_000,
		hookTimeout: 60_000,
	},
};

/** `npm run verify` against a service of its own. It begins with the run, because it waits for minutes. */
const verification = {
	test: {
		name: "verify",
		include: [VERIFICATION],
		globalSetup: ["./test/service/support/start-verification.ts"],
		fileParallelism: false,
	},
};

/**
 * The largest files begin first, for the longest tests are there, as a rule. Those of `faults` play hundreds of stories, however
 * small they are: they begin before all others inside workerd, so that no core is idle while the last of them ends.
 */
class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const sorted = await super.sort(files);
		const isLong = ({ moduleId }: TestSpecification) => moduleId.includes("/test/workerd/faults/");
		const first = sorted.findIndex(({ project }) => project.name === "workerd");
		const inside = sorted.splice(Math.max(0, first));
		return [...sorted, ...inside.filter(isLong), ...inside.filter((file) => !isLong(file))];
	}
}

export default defineConfig({
	test: {
		sequence: { sequencer: LongestFirst },
		reporters: ["dot"],
		silent: "passed-only",
		// One more than there are cores, for a file often waits: for its modules, for I/O, for a process that it has started.
		maxWorkers: availableParallelism() + 1,
		// Its last lines are the counts, without hints on how to run faster.
		experimental: { diagnostics: false },
		projects: [insideWorkerd, plainNode, wholeService, verification],
	},
});
