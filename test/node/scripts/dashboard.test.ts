import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { forgetBuild, isBuilt, replaceDashboard } from "../../../scripts/lib/dashboard.ts";

function aProject() {
	const root = mkdtempSync(join(tmpdir(), "dashboard-"));
	onTestFinished(() => rmSync(root, { recursive: true }));
	for (const folder of ["dashboard", "client"]) mkdirSync(join(root, folder));
	const write = (file: string, text: string) => writeFileSync(join(root, file), text);
	write("dashboard/main.tsx", "1");
	write("client/index.ts", "1");
	const dist = (file: string) => join(root, "dashboard/dist", file);
	const build = (text: string) =>
		replaceDashboard(root, async (folder) => {
			mkdirSync(folder, { recursive: true });
			writeFileSync(join(folder, "index.html"), text);
		});
	return { root, write, dist, build };
}

it("files count as built until a source, the client or a package changes, or a watch begins", async () => {
	const { root, write, build } = aProject();
	expect(isBuilt(root)).toBe(false);
	for (const file of ["dashboard/main.tsx", "client/index.ts", "package-lock.json"]) {
		await build("page");
		expect(isBuilt(root)).toBe(true);
		write(file, `changed ${file}`);
		expect(isBuilt(root), file).toBe(false);
	}
	await build("page");
	forgetBuild(root);
	expect(isBuilt(root)).toBe(false);
});

it("a build replaces all files, and one that fails leaves those of before", async () => {
	const { root, write, dist, build } = aProject();
	await build("first");
	writeFileSync(dist("old.js"), "");
	await build("second");
	expect([readFileSync(dist("index.html"), "utf8"), existsSync(dist("old.js"))]).toEqual(["second", false]);
	// The platform does not serve it.
	expect(readFileSync(dist(".assetsignore"), "utf8")).toBe(".stamp\n");
	write("dashboard/main.tsx", "broken");
	const failing = replaceDashboard(root, async () => {
		throw new Error("no such module");
	});
	await expect(failing).rejects.toThrow("no such module");
	expect([readFileSync(dist("index.html"), "utf8"), isBuilt(root)]).toEqual(["second", false]);
	expect(existsSync(join(root, ".wrangler", `dashboard-${process.pid}`))).toBe(false);
});
