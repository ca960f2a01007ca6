/** Ctrl-C and other signals: ends what is running in order, so that temporary files are removed. */
import { PlainError } from "../terminal.ts";

export function interrupted(): PlainError {
	return new PlainError("Interrupted. Run the same command again to continue.");
}

/** Aborted by the first signal. The process continues until it has ended what it started. */
export function interruptionSignal(): AbortSignal {
	const controller = new AbortController();
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
		process.on(signal, () => controller.abort(interrupted()));
	return controller.signal;
}
