/** What a process has used, by /proc where there is one and by `ps` elsewhere. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** Of /proc: a hundred ticks a second wherever Node runs. */
const MS_PER_TICK = 10;

/** CPU spent since it began, by all its threads. */
export function cpuMsOf(pid: number): number {
	if (existsSync("/proc/self/stat")) {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
		return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
	}
	const [seconds = 0, minutes = 0, hours = 0] = psField(pid, "time").split(":").map(Number).reverse();
	return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** Memory held now. */
export function residentBytesOf(pid: number): number {
	return Number(psField(pid, "rss")) * 1024;
}

function psField(pid: number, field: string): string {
	return execFileSync("ps", ["-o", `${field}=`, "-p", String(pid)], { encoding: "utf8" }).trim();
}
