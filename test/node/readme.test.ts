import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const readme = readFileSync(join(root, "README.md"), "utf8");

describe("the README", () => {
	const paths = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = ""]) => path);

	it("links to nothing that is not there", () => {
		expect(paths.length).toBeGreaterThan(10);
		expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
	});

	it("names, with each promise, a test that proves it", () => {
		const [, promises = ""] = readme.split("## What is promised");
		const items = promises.split("And what is not:")[0]?.match(/^- \*\*[\s\S]*?(?=^- |\n\n)/gm) ?? [];
		expect(items.length).toBeGreaterThan(5);
		expect(items.filter((item) => !item.includes("](test/"))).toEqual([]);
	});
});
