/** The user's browser. */
import { spawn } from "node:child_process";

const COMMANDS: Partial<Record<NodeJS.Platform, string[]>> = {
	darwin: ["open"],
	// No shell, which would read the address as a command.
	win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** Where there is no browser, nothing happens. */
export function openBrowser(url: string): void {
	const [command = "xdg-open", ...words] = COMMANDS[process.platform] ?? [];
	const child = spawn(command, [...words, url], { stdio: "ignore", detached: true });
	child.on("error", () => {});
	child.unref();
}
