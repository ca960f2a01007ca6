/**
 * Builds the dashboard's files, which the service serves, where its sources have changed since they were built. Vite runs in a
 * process of its own, because loading it takes half a second and 100 MB.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { PlainError } from "./terminal.ts";

const run = promisify(execFile);

/** Each builder is done in a millisecond. */
const SWAP_TRIES = 5;
const SWAP_DELAY_MS = 20;

const distOf = (root: string) => join(root, "dashboard/dist");
const stampOf = (dist: string) => join(dist, ".stamp");

/** Does nothing where the files are those of the sources. */
export async function buildDashboard(root: string): Promise<void> {
	if (isBuilt(root)) return;
	try {
		await run(process.execPath, [join(root, "scripts/build-dashboard.ts")], { cwd: root });
	} catch (error) {
		const { stderr } = error as { stderr?: string };
		throw new PlainError(`Building the dashboard failed.\n${stderr?.trim() || error}`);
	}
}

/**
 * Builds in a folder of its own, which then replaces the last one: a service may read it, and another process may do the same.
 * @param build writes the files into the folder
 */
export async function replaceDashboard(root: string, build: (folder: string) => Promise<void>): Promise<void> {
	const stamp = sourcesStamp(root);
	const folder = join(root, ".wrangler", `dashboard-${process.pid}`);
	const [built, old] = [join(folder, "new"), join(folder, "old")];
	try {
		mkdirSync(folder, { recursive: true });
		await build(built);
		writeFileSync(stampOf(built), stamp);
		// The platform keeps the file to itself.
		writeFileSync(join(built, ".assetsignore"), ".stamp\n");
		await swap(distOf(root), { built, old });
	} catch (error) {
		if (!isBuilt(root)) throw error;
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/**
 * Between two renames there is no folder: if the second one fails, the old one is put back. Another builder may be between its
 * own, so it is tried again.
 */
export async function swap(dist: string, { built, old }: { built: string; old: string }): Promise<void> {
	for (let tried = 1; ; tried++) {
		try {
			rmSync(old, { recursive: true, force: true });
			if (existsSync(dist)) renameSync(dist, old);
			return renameSync(built, dist);
		} catch (error) {
			if (existsSync(old) && !existsSync(dist)) renameSync(old, dist);
			if (tried === SWAP_TRIES) throw error;
		}
		await sleep(SWAP_DELAY_MS);
	}
}

/** The next build does not take the files for those of the sources. */
export function forgetBuild(root: string): void {
	rmSync(stampOf(distOf(root)), { force: true });
}

export function isBuilt(root: string): boolean {
	const stamp = stampOf(distOf(root));
	return existsSync(stamp) && readFileSync(stamp, "utf8") === sourcesStamp(root);
}

/** Changes with the dashboard, with the client in it, and with any package. */
function sourcesStamp(root: string): string {
	const files = ["dashboard", "client"].flatMap((folder) => sourcesIn(join(root, folder)));
	const lock = join(root, "package-lock.json");
	const digest = createHash("sha256");
	for (const file of [...files.sort(), ...(existsSync(lock) ? [lock] : [])])
		digest
			.update(`${relative(root, file)}\0`)
			.update(readFileSync(file))
			.update("\0");
	return digest.digest("hex");
}

const NO_SOURCES = ["dist", "cli", "node_modules"];

function sourcesIn(folder: string): string[] {
	return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
		if (NO_SOURCES.includes(entry.name)) return [];
		const path = join(folder, entry.name);
		return entry.isDirectory() ? sourcesIn(path) : [path];
	});
}
