/** How the dashboard is built, by scripts/build-dashboard.ts. */
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const root = import.meta.dirname;

/** For the files that the platform serves without the Worker. */
const headersOfFiles: Plugin = {
	name: "headers-of-files",
	writeBundle({ dir = "" }) {
		cpSync(join(root, "_headers"), resolve(dir, "../_headers"));
	},
};

/** What the API reference at `/docs` loads. It is no part of the dashboard. */
const filesOfReference: Plugin = {
	name: "files-of-reference",
	writeBundle({ dir = "" }) {
		for (const name of ["swagger-ui-bundle.js", "swagger-ui.css"])
			cpSync(fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`)), resolve(dir, "../docs", name));
	},
};

export default defineConfig({
	root,
	base: "/dashboard/",
	publicDir: false,
	oxc: { jsx: { importSource: "preact" } },
	plugins: [headersOfFiles, filesOfReference],
	build: {
		// Browsers with light-dark() and container queries, so that nothing is replaced by something larger.
		target: ["chrome125", "firefox128", "safari17.5"],
		emptyOutDir: true,
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
	},
});
