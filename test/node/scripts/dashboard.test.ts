import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { buildDashboard, forgetBuild, isBuilt, replaceDashboard, swap } from "../../../scripts/lib/dashboard.ts";

const ROOT = join(import.meta.dirname, "../../..");

function aProject() {
	const root = mkdtempSync(join(tmpdir(), "dashboard-"));
	onTestFinished(() => rmSync(root, { recursive: true }));
	for (const folder of ["dashboard", "client", "scripts"]) mkdirSync(join(root, folder));
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

it("a build is skipped where the files are those of the sources", async () => {
	const { root, write, build } = aProject();
	write("scripts/build-dashboard.ts", 'import { writeFileSync } from "node:fs";\nwriteFileSync("has-run", "");\n');
	await build("page");
	await buildDashboard(root);
	expect(existsSync(join(root, "has-run"))).toBe(false);
	write("dashboard/main.tsx", "2");
	await buildDashboard(root);
	expect(existsSync(join(root, "has-run"))).toBe(true);
});

it("the files of before are put back where the new ones cannot take their place", async () => {
	const { root, dist, build } = aProject();
	await build("first");
	const missing = { built: join(root, "nowhere"), old: join(root, "old") };
	await expect(swap(dist(""), missing)).rejects.toThrow("ENOENT");
	expect(readFileSync(dist("index.html"), "utf8")).toBe("first");
});

it("a rename that another builder is in the way of is tried again", async () => {
	const { root, dist, build } = aProject();
	await build("first");
	const folders = { built: join(root, "built"), old: join(root, "old") };
	const swapping = swap(dist(""), folders);
	// The first try has failed by now.
	mkdirSync(folders.built);
	writeFileSync(join(folders.built, "index.html"), "second");
	await swapping;
	expect(readFileSync(dist("index.html"), "utf8")).toBe("second");
});

it("a watch makes the next start build again", async () => {
	const { root, write, build } = aProject();
	for (const file of ["build-dashboard.ts", "lib/dashboard.ts", "lib/terminal.ts"])
		cpSync(join(ROOT, "scripts", file), join(root, "scripts", file));
	symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
	write("package.json", '{ "type": "module" }');
	write("dashboard/index.html", "<!doctype html>");
	write("dashboard/vite.config.ts", "export default { root: import.meta.dirname, publicDir: false };\n");
	await build("page");
	const watch = spawn(process.execPath, ["scripts/build-dashboard.ts", "--watch"], { cwd: root });
	onTestFinished(() => void watch.kill());
	await vi.waitFor(() => expect(isBuilt(root)).toBe(false), { timeout: 20_000 });
});
