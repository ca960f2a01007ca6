import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const pages = new Map(
	["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].map((path) => [
		path,
		readFileSync(join(root, path), "utf8"),
	]),
);

const slug = (heading: string) =>
	heading
		.toLowerCase()
		.replace(/[^\w\- ]/g, "")
		.replaceAll(" ", "-");
const anchorsOf = (text = "") => [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => slug(heading));

/** Every link of a page that leads to a file of the repository, with the path from its root. */
function linksOf(page: string): { path: string; anchor: string | undefined }[] {
	return [...(pages.get(page) ?? "").matchAll(/\]\((?!https?:)([^)#]*)#?([^)]*)\)/g)].map(([, path = "", anchor]) => ({
		path: path === "" ? page : join(dirname(page), path),
		anchor: anchor || undefined,
	}));
}

describe("README and docs", () => {
	const links = [...pages.keys()].flatMap(linksOf);

	it("link to nothing that is not there", () => {
		const missing = links.filter(
			({ path, anchor }) =>
				!existsSync(join(root, path)) || (anchor !== undefined && !anchorsOf(pages.get(path)).includes(anchor)),
		);
		expect(links.length).toBeGreaterThan(30);
		expect(missing).toEqual([]);
	});

	it("are all reached from the README", () => {
		const reached = new Set(["README.md"]);
		// A set that grows is iterated to its end.
		for (const page of reached) for (const { path } of linksOf(page)) if (pages.has(path)) reached.add(path);
		expect([...reached].sort()).toEqual([...pages.keys()].sort());
	});

	it("are short", () => {
		expect([...pages].filter(([, text]) => text.split("\n").length > 201).map(([page]) => page)).toEqual([]);
	});

	it("name, with each promise, a test that proves it", () => {
		const [, promises = ""] = pages.get("README.md")?.split("## What is promised") ?? [];
		const items = promises.split("And what is not:")[0]?.match(/^- \*\*[\s\S]*?(?=^- |\n\n)/gm) ?? [];
		expect(items.length).toBeGreaterThan(5);
		expect(items.filter((item) => !item.includes("](test/"))).toEqual([]);
	});
});
