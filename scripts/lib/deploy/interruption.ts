/** Ctrl-C and its like: what runs is ended in order, so that what must be tidied away is. */
import { PlainError } from "../terminal.ts";

export function interrupted(): PlainError {
	return new PlainError("Interrupted. The same command again goes on where this one stopped.");
}

/** Aborted by the first signal; the process goes on, to end what it started. */
export function interruptionSignal(): AbortSignal {
	const controller = new AbortController();
	for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
		process.on(signal, () => controller.abort(interrupted()));
	return controller.signal;
}
