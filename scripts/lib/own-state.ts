/**
 * One service per state directory. `service.json` in it names the owning process and the process group of its wrangler, so
 * that after any kill the next start finds the leftover processes and ends them first.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { endWranglerGroup, findProcess } from "./processes.ts";
import { PlainError } from "./terminal.ts";

/** `launcher`: the npm above the owner. `group`: the process group of its wrangler, null until that is started. */
type Owner = { pid: number; launcher: number | null; port: number; group: number | null };

export type Ownership = { recordGroup(group: number): void; release(): void };

/** How long to wait for an unresponsive owner to end, before it counts as slow but alive. */
const OWNER_PATIENCE_MS = 5_000;

/**
 * Takes the directory, or throws while a live service owns it: a running service is never ended without its user's
 * knowledge. Creating the file exclusively decides between two starts at the same instant.
 */
export async function ownState(stateDir: string, me: Owner): Promise<Ownership> {
	const path = join(stateDir, "service.json");
	while (!createExclusively(path, me)) {
		const owner = readOwner(path);
		if (owner !== null && (await isStillRunning(owner))) {
			throw new PlainError(
				`The service is already running (process ${owner.pid}, http://127.0.0.1:${owner.port}). ` +
					"Stop it first, or set STATE_DIR and PORT to run a second one.",
			);
		}
		if (owner?.group) await endWranglerGroup(owner.group, 0);
		rmSync(path, { force: true });
	}
	return {
		recordGroup: (group) => replace(path, { ...me, group }),
		release: () => rmSync(path, { force: true }),
	};
}

async function isStillRunning(owner: Owner): Promise<boolean> {
	const giveUpAt = Date.now() + OWNER_PATIENCE_MS;
	while (/scripts\/(start|demo)\.ts/.test(findProcess(owner.pid)?.command ?? "")) {
		const hasLauncher = owner.launcher === null || findProcess(owner.launcher) !== null;
		// An owner whose npm or runtime is dead is about to stop by itself.
		if ((hasLauncher && (await responds(owner.port))) || Date.now() > giveUpAt) return true;
		await sleep(100);
	}
	return false;
}

async function responds(port: number): Promise<boolean> {
	try {
		await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1_000) });
		return true;
	} catch {
		return false;
	}
}

function createExclusively(path: string, owner: Owner): boolean {
	try {
		writeFileSync(path, JSON.stringify(owner), { flag: "wx", mode: 0o600 });
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	}
}

/** By rename, so that a kill midway leaves either the old record or the new one. */
function replace(path: string, owner: Owner): void {
	writeFileSync(`${path}.new`, JSON.stringify(owner), { mode: 0o600 });
	renameSync(`${path}.new`, path);
}

function readOwner(path: string): Owner | null {
	try {
		return JSON.parse(readFileSync(path, "utf8")) as Owner;
	} catch {
		// Removed meanwhile, or truncated by a full disk: there is no owner to read.
		return null;
	}
}
