/**
 * Listing and ending processes, by /proc where it exists and by `ps` elsewhere. A zombie (ended but not waited for, common
 * in containers without an init) counts as gone.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export type Process = { pid: number; parent: number; group: number; command: string };

const HAS_PROC = existsSync("/proc/self/stat");

export function listProcesses(): Process[] {
	if (!HAS_PROC)
		return fromPs(execFileSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat=,command="], { encoding: "utf8" }));
	const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
	return pids.map((pid) => fromProc(Number(pid))).filter((found) => found !== null);
}

export function findProcess(pid: number): Process | null {
	if (HAS_PROC) return fromProc(pid);
	return listProcesses().find((process) => process.pid === pid) ?? null;
}

function fromProc(pid: number): Process | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		// The second field is the name in brackets, which may itself contain blanks and brackets.
		const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		if (state === "Z" || state === "X") return null;
		const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
		return { pid, parent: Number(parent), group: Number(group), command };
	} catch {
		// It ended between being listed and being read.
		return null;
	}
}

function fromPs(output: string): Process[] {
	return output.split("\n").flatMap((line) => {
		const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
		if (match === null || match[4]?.startsWith("Z")) return [];
		return [{ pid: Number(match[1]), parent: Number(match[2]), group: Number(match[3]), command: match[5] ?? "" }];
	});
}

/** The npm (or similar) that runs this script, or null. It is watched because a killed npm does not end its script. */
export function findLauncher(): number | null {
	let parent = process.ppid;
	for (let generation = 0; generation < 3; generation++) {
		const ancestor = findProcess(parent);
		if (ancestor === null) return null;
		if (/^(p?npm|yarn|bun)\b|\/(npm|npm-cli\.js|pnpm|pnpm\.cjs|yarn|yarn\.js)( |$)/.test(ancestor.command))
			return ancestor.pid;
		parent = ancestor.parent;
	}
	return null;
}

/** The processes of a wrangler started in its own group. Commands are checked because process ids are reused. */
export function wranglerGroup(group: number): Process[] {
	return listProcesses().filter(
		(process) => process.group === group && /node_modules\/.*(wrangler|workerd|esbuild)/.test(process.command),
	);
}

/** Ends a wrangler and every process it started. */
export async function endWranglerGroup(group: number, patienceMs: number): Promise<void> {
	await endProcesses(() => wranglerGroup(group), patienceMs);
}

/** Resolves when `find` returns none: sends SIGTERM first, and SIGKILL after `patienceMs`. */
export async function endProcesses(find: () => Process[], patienceMs: number): Promise<void> {
	const giveUpAt = Date.now() + patienceMs;
	signalAll(find(), "SIGTERM");
	while (Date.now() < giveUpAt && find().length > 0) await sleep(25);
	while (find().length > 0) {
		signalAll(find(), "SIGKILL");
		await sleep(25);
	}
}

export function signalAll(processes: Process[], signal: NodeJS.Signals): void {
	for (const { pid } of processes) {
		try {
			process.kill(pid, signal);
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
		}
	}
}
