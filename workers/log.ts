/** One line per fact, every fact a field. Never a prompt, a completion, a key or a secret. */
import { LOG_LEVELS, type LogLevel } from "../shared/core/config.ts";

/** A field that is undefined is left out. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

let lowest = LOG_LEVELS.indexOf("info");

/** For this isolate. Until its configuration is parsed, and while that is invalid, the level is `info`. */
export function setLogLevel(level: LogLevel): void {
	lowest = LOG_LEVELS.indexOf(level);
}

const isWritten = (level: LogLevel) => LOG_LEVELS.indexOf(level) >= lowest;

/**
 * A step on the way. By `console.log`, because `wrangler dev` hides what `console.debug` writes.
 * @param event `noun.past_verb`, such as `attempt.started`
 */
export function logDebug(event: string, fields: LogFields): void {
	if (isWritten("debug")) console.log(lineOf(event, fields));
}

/** What came of one attempt or one sweep. Logs are billed by the byte, so these lines have only what operators filter by. */
export function log(event: string, fields: LogFields): void {
	if (isWritten("info")) console.log(lineOf(event, fields));
}

/** A fault that the service handles by itself: it retries, or the sweeper takes over. */
export function logWarning(event: string, fields: LogFields, error?: unknown): void {
	if (isWritten("warn")) console.warn(lineOf(event, fields, error));
}

/** Something that should not have happened, for an operator to look at. */
export function logError(event: string, fields: LogFields, error?: unknown): void {
	if (isWritten("error")) console.error(lineOf(event, fields, error));
}

function lineOf(event: string, fields: LogFields, error?: unknown): string {
	return JSON.stringify({ event, ...fields, error: error === undefined ? undefined : describe(error) });
}

/** Names and messages only: an error's own fields may hold values. */
function describe(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	// A parser quotes the text that it could not parse, which may be a prompt or a completion.
	if (error instanceof SyntaxError) return error.name;
	const cause = error.cause === undefined ? "" : ` (${describe(error.cause)})`;
	return `${error.name}: ${error.message}${cause}`.slice(0, 500);
}
