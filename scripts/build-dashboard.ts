/**
 * Builds the dashboard into `dashboard/dist`, as `npm start` and `npm run deploy` do where its sources have changed. With
 * `--watch` it builds again at each change, for a service that runs beside it.
 */
import { join, resolve } from "node:path";
import { build } from "vite";
import { forgetBuild, replaceDashboard } from "./lib/dashboard.ts";

const root = resolve(import.meta.dirname, "..");
const config = { configFile: join(root, "dashboard/vite.config.ts"), configLoader: "native" as const };

if (process.argv.includes("--watch")) {
	// Its files may be those of sources that are changed back.
	forgetBuild(root);
	await build({ ...config, build: { watch: {}, outDir: join(root, "dashboard/dist/dashboard") } });
} else {
	await replaceDashboard(root, async (folder) => {
		await build({ ...config, logLevel: "error", build: { outDir: join(folder, "dashboard") } });
	});
}
