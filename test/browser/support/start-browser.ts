/** The service as `npm start` runs it, and a browser: CHROMIUM names another than Debian's. Started once for all files. */
import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";
import { ROOT, startTemporaryService } from "../../service/support/temporary-service.ts";

declare module "vitest" {
	interface ProvidedContext {
		browser: string;
		site: { url: string; key: string; adminToken: string };
	}
}

const { CHROMIUM = "/usr/bin/chromium" } = process.env;
/** As root, without a network beside the service's. */
const FLAGS =
	"--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

export default async function startBrowser(project: TestProject): Promise<() => Promise<void>> {
	execFileSync("npm", ["run", "-s", "client:pack", "--", "--dry-run"], { cwd: ROOT });
	const { stop, url, key, adminToken } = await startTemporaryService({ SWEEP_SECONDS: "1" });
	const server = await chromium.launchServer({ executablePath: CHROMIUM, args: FLAGS.split(" ") });
	project.provide("browser", server.wsEndpoint());
	project.provide("site", { url, key, adminToken });
	return async () => {
		await server.close();
		await stop();
	};
}
