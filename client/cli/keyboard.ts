/** What the user types. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";

const NOWHERE = () => new Writable({ write: (_chunk, _encoding, done) => done() });

/** One line. Hidden, it does not appear while it is typed. An interruption aborts, and rejects. */
export function readLine(isHidden: boolean, interrupted: AbortController): Promise<string> {
	const { stdin, stderr } = process;
	const keyboard = isHidden
		? createInterface({ input: stdin, output: NOWHERE(), terminal: true })
		: createInterface({ input: stdin, terminal: false });
	return new Promise<string>((resolve, reject) => {
		const stop = () => reject(interrupted.signal.reason);
		interrupted.signal.addEventListener("abort", stop, { once: true });
		// Of a hidden line, for which the terminal sends no signal.
		keyboard.once("SIGINT", () => interrupted.abort());
		keyboard.once("line", resolve);
		keyboard.once("close", () => resolve(""));
	}).finally(() => {
		keyboard.close();
		if (isHidden) stderr.write("\n");
	});
}
