/**
 * What of wrangler's output reaches the terminal: its warnings and errors, and every line the Worker logs. What it says
 * on each start, for each request and about this set-up's known limits is left out.
 */
import { stripVTControlCharacters } from "node:util";

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

/** Warnings about what is meant to be so here: no model over the network, and cron ticked by `npm start` itself. */
const EXPECTED_WARNINGS = [
	/^▲ \[WARNING\] AI bindings always access remote/,
	/^▲ \[WARNING\] Scheduled Workers are not/,
];

/** Stack frames of the wrapping that wrangler puts around a Worker in development. */
const FOREIGN_FRAME = /^\s+at .*(middleware-loader\.entry|node_modules\/wrangler\/|cloudflare-internal:)/;

const HIDDEN_LENGTH_MIN = 8;

const CRASH = "The Workers runtime crashed unexpectedly";

/** wrangler starts a dead runtime again, but its front door then holds every request for ever. */
export function tellsOfCrash(line: string): boolean {
	return line.includes(CRASH);
}

/**
 * A filter for one stream: give it line after line, print what it returns unless that is null. Values in `hidden`
 * never pass, in whichever line they stand; very short ones do, for they occur in ordinary words.
 */
export function outputFilter(root: string, hidden: string[]): (line: string) => string | null {
	const secrets = hidden.filter((secret) => secret.length >= HIDDEN_LENGTH_MIN);
	let isInExpectedWarning = false;
	return (raw) => {
		const line = stripVTControlCharacters(raw).trimEnd();
		// A warning goes on in indented lines, with blank ones between.
		const goesOn = isInExpectedWarning && (line === "" || line.startsWith("  "));
		isInExpectedWarning = goesOn || EXPECTED_WARNINGS.some((warning) => warning.test(line));
		if (isInExpectedWarning || line === "" || tellsOfCrash(line)) return null;
		if (FOREIGN_FRAME.test(line) || CHATTER.some((chatter) => chatter.test(line))) return null;

		const plain = line
			.replace(/^(✘ \[ERROR\]|\[wrangler:error\]) /, "error: ")
			.replace(/^(▲ \[WARNING\]|\[wrangler:warn\]) /, "warning: ")
			.replaceAll(`file://${root}/`, "")
			.replace(/^⎔ Reloading local server\.\.\.$/, "The source changed: the service is loaded again.")
			.replace(/\{"event":".*\}$/, readable);
		return secrets.reduce((text, secret) => text.replaceAll(secret, "(hidden)"), plain);
	};
}

/** The Worker logs JSON, which is for machines: here its fields follow the event's name. */
function readable(json: string): string {
	let fields: Record<string, unknown>;
	try {
		fields = JSON.parse(json);
	} catch {
		// It only looked like one, and stays as it is.
		return json;
	}
	const { event, ...rest } = fields;
	const words = Object.entries(rest).map(([name, value]) => {
		const text = typeof value === "string" ? value : JSON.stringify(value);
		return `${name}=${/\s/.test(text) ? JSON.stringify(text) : text}`;
	});
	return [event, ...words].join(" ");
}
