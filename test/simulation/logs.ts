/** The service's log lines go into the trace. A crash that no simulated fault explains is a bug. */
import type { World } from "./world/world.ts";

/** The words of simulated faults: whatever else crashes has no excuse. */
const EXCUSES = [
	// Erased between two calls, while a holder without a lease came late.
	"the stored result vanished between two reads",
	"Network connection lost",
	"internal error. Please try again. (10001)",
	"Queue is overloaded",
	// A call that hangs.
	"No response within",
	"D1 DB is overloaded",
];

/** @returns gives the console back */
export function listenToLogs(world: World): () => void {
	const { log, warn, error } = console;
	console.log = (line: unknown) => world.note("log", String(line));
	const noteFault = (line: unknown) => {
		const text = String(line);
		world.note("log", text);
		if (/crashed|_failed/.test(text) && !EXCUSES.some((excuse) => text.includes(excuse))) {
			world.violate("B1", `something failed that no fault explains: ${text}`);
		}
	};
	console.warn = noteFault;
	console.error = noteFault;
	return () => Object.assign(console, { log, warn, error });
}
