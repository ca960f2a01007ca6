/** One line per fact, every fact a field. Never a prompt, a completion, a key or a secret. */

export type LogFields = Record<string, string | number | boolean | null | undefined>;

/** @param event `noun.past_verb`, such as `attempt.settled` */
export function log(event: string, fields: LogFields): void {
	console.log(JSON.stringify({ event, ...fields }));
}

/** Something that should not have happened, for an operator to look at. */
export function logError(event: string, fields: LogFields, error?: unknown): void {
	console.error(JSON.stringify({ event, ...fields, error: error === undefined ? undefined : describe(error) }));
}

/** Names and messages only: an error's own fields may hold values. */
function describe(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	// A parser quotes the text that it could not parse, which may be a prompt or a completion.
	if (error instanceof SyntaxError) return error.name;
	const cause = error.cause === undefined ? "" : ` (${describe(error.cause)})`;
	return `${error.name}: ${error.message}${cause}`.slice(0, 500);
}
