import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { clientSchemas, SCHEMAS_FILE } from "../../client/client-schemas.ts";

const root = join(import.meta.dirname, "../../..");
const BYTES_MAX = 8 * 1024;

describe("the client", () => {
	it("has the types of the API: after a change of its schemas, run `npm run client:types`", async () => {
		expect(readFileSync(SCHEMAS_FILE, "utf8")).toBe(await clientSchemas());
	});

	it("is small, without what only receivers of webhooks load", async () => {
		const { outputFiles } = await build({
			entryPoints: [join(root, "client/index.ts")],
			bundle: true,
			splitting: true,
			outdir: "dist",
			minify: true,
			format: "esm",
			platform: "browser",
			target: "es2022",
			write: false,
		});
		const entry = outputFiles.find(({ path }) => path.endsWith("index.js"));
		if (entry === undefined) throw new Error("nothing was built");
		expect(gzipSync(entry.contents).byteLength).toBeLessThanOrEqual(BYTES_MAX);
	});

	it("needs the packages of the service, in their versions", () => {
		const read = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"));
		const { dependencies, devDependencies } = read("package.json");
		expect({ ...dependencies, ...devDependencies }).toMatchObject(read("client/package.json").dependencies);
	});
});
