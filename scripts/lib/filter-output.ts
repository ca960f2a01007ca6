/**
 * Filters wrangler's output for the terminal. Warnings, errors and every line that the Worker logs pass. Start-up chatter,
 * lines per request and warnings about known limits of this set-up do not.
 */
import { stripVTControlCharacters } from "node:util";
import { escapeControls } from "./terminal.ts";

const CHATTER = [
	/^Cloudflare collects anonymous telemetry/,
	/^Using secrets defined in /,
	/^Your Worker has access to the following bindings/,
	/^Binding +Resource +Mode$/,
	/^env\.\w+.* (local|not supported)$/,
	/^❓ Your types might be out of date/,
	/^⎔ (?!Reloading)/,
	/^\[wrangler:info\] /,
	/^If you think this is a bug then please create an issue at /,
	/^Note that there is a newer version of Wrangler available/,
];

/** Warnings about what is intended here: no model over the network, and cron ticked by `npm start` itself. */
const EXPECTED_WARNINGS = [
	/^▲ \[WARNING\] AI bindings always access remote/,
	/^▲ \[WARNING\] Scheduled Workers are not/,
];

/** Stack frames of the code that wrangler wraps around a Worker in development. */
const FOREIGN_FRAME = /^\s+at .*(middleware-loader\.entry|node_modules\/wrangler\/|cloudflare-internal:)/;

const HIDDEN_LENGTH_MIN = 8;

const CRASH = "The Workers runtime crashed unexpectedly";

/** wrangler restarts a crashed runtime, but its proxy then holds every request forever. */
export function reportsCrash(line: string): boolean {
	return line.includes(CRASH);
}

/**
 * A filter for one stream, called line by line: returns the line to print, or null. Values in `hidden` are masked in every
 * line, except very short ones, which occur in ordinary words.
 */
export function outputFilter(root: string, hidden: string[]): (line: string) => string | null {
	const secrets = hidden.filter((secret) => secret.length >= HIDDEN_LENGTH_MIN);
	let isInExpectedWarning = false;
	return (raw) => {
		const line = stripVTControlCharacters(raw).trimEnd();
		// A warning continues in indented lines, with blank ones between.
		const continues = isInExpectedWarning && (line === "" || line.startsWith("  "));
		isInExpectedWarning = continues || EXPECTED_WARNINGS.some((warning) => warning.test(line));
		if (isInExpectedWarning || line === "" || reportsCrash(line)) return null;
		if (FOREIGN_FRAME.test(line) || CHATTER.some((chatter) => chatter.test(line))) return null;

		const plain = line
			.replace(/^(✘ \[ERROR\]|\[wrangler:error\]) /, "error: ")
			.replace(/^(▲ \[WARNING\]|\[wrangler:warn\]) /, "warning: ")
			.replaceAll(`file://${root}/`, "")
			.replace(/^⎔ Reloading local server\.\.\.$/, "The source changed: reloading the service.")
			.replace(/\{"event":".*\}$/, readable);
		return escapeControls(secrets.reduce((text, secret) => text.replaceAll(secret, "(hidden)"), plain));
	};
}

/** Rewrites a JSON log line for people: the event's name, then its fields. */
function readable(json: string): string {
	let fields: Record<string, unknown>;
	try {
		fields = JSON.parse(json);
	} catch {
		// Not JSON after all: unchanged.
		return json;
	}
	const { event, ...rest } = fields;
	const words = Object.entries(rest).map(([name, value]) => {
		const text = typeof value === "string" ? value : JSON.stringify(value);
		return `${name}=${/\s/.test(text) ? JSON.stringify(text) : text}`;
	});
	return [event, ...words].join(" ");
}
