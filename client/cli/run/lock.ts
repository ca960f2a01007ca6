/** Keeps a second process from the files of a run. The lock of a process that was killed is taken over. */
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { UsageError } from "../exit-codes.ts";

/** Returns what releases the lock. Throws `UsageError` if another process has it. */
export function lockRun(path: string): () => void {
	if (!existsSync(dirname(path))) throw new UsageError(`There is no folder ${dirname(path)}.`);
	const own = JSON.stringify({ pid: process.pid, host: hostname() });
	if (!created(path, own)) {
		const found = readOr(path, own);
		if (isAlive(found)) refuse(path, found);
		// Only one process moves a file away. If it was not the old lock, another one has taken that over meanwhile.
		const moved = `${path}.${process.pid}`;
		const isMoved = attempt(["ENOENT"], () => renameSync(path, moved));
		const isOther = isMoved && readOr(moved, found) !== found;
		if (isOther) attempt(["EEXIST"], () => linkSync(moved, path));
		rmSync(moved, { force: true });
		if (isOther || !created(path, own)) refuse(path, readOr(path, found));
	}
	return () => rmSync(path, { force: true });
}

function created(path: string, text: string): boolean {
	return attempt(["EEXIST"], () => writeFileSync(path, text, { flag: "wx", mode: 0o600 }));
}

/** False: it failed with one of these codes. */
function attempt(codes: string[], act: () => void): boolean {
	try {
		act();
		return true;
	} catch (error) {
		if (error instanceof Error && "code" in error && codes.includes(String(error.code))) return false;
		throw error;
	}
}

function readOr(path: string, other: string): string {
	let text = other;
	attempt(["ENOENT"], () => {
		text = readFileSync(path, "utf8");
	});
	return text;
}

function isAlive(lock: string): boolean {
	const { pid, host } = ownerOf(lock);
	// Processes of other machines cannot be seen from here.
	if (host !== null && host !== hostname()) return true;
	if (pid === null || pid === process.pid) return false;
	// A process of another user is alive as well.
	return attempt(["ESRCH"], () => void attempt(["EPERM"], () => process.kill(pid, 0)));
}

function ownerOf(lock: string): { pid: number | null; host: string | null } {
	try {
		const { pid, host } = Object(JSON.parse(lock));
		return { pid: Number.isSafeInteger(pid) ? pid : null, host: typeof host === "string" ? host : null };
	} catch {
		// Its writer was killed before it had written.
		return { pid: null, host: null };
	}
}

function refuse(path: string, lock: string): never {
	const { pid, host } = ownerOf(lock);
	throw new UsageError(
		`Another process (${pid}, on ${host}) works on this run. If it is gone, remove ${path} and try again.`,
	);
}
