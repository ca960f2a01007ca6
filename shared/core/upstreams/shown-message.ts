/**
 * What a tenant reads of a provider's refusal. The account at the provider is the operator's: its ids, keys, limits and other
 * tenants' use of it are left out.
 */
import type { Classification } from "./failure-table.ts";

/** Long enough for any provider's sentence, too short for a prompt or a page of HTML. */
export const FAILURE_MESSAGE_CHARS_MAX = 500;

/** @param said the provider's own message */
export function shownMessage(
	said: string | null,
	status: number | null,
	{ class: kind, code }: Classification,
): string {
	if (code === "unauthorized" || status === 401)
		return `The provider rejected the credential of this model's route${inBrackets(status)}. The operator must replace it.`;
	if (code === "forbidden")
		return `The provider denied the call${inBrackets(status)}: its credential lacks access, or its policy forbids the request.`;
	if (kind === "throttled" && AMOUNTS.test(said ?? ""))
		return `The provider limits the rate of calls to this model${inBrackets(status)}.`;
	return said === null ? ownMessage(status) : cleanMessage(said);
}

function inBrackets(status: number | null): string {
	return status === null ? "" : ` (${status})`;
}

function ownMessage(status: number | null): string {
	if (status === null) return "The provider refused the call.";
	if (status >= 200 && status <= 299) return "The provider reported an error in its response.";
	if (status >= 300 && status <= 399)
		return `The provider responded with ${status}, a redirect; redirects are not followed.`;
	return `The provider responded with ${status}.`;
}

/** "Limit 30000, Used 29000": used by all tenants together. */
const AMOUNTS = /\b(limit|used|requested|remaining)[: ]+\d/i;
/** `org-AbC123`, `proj_x1Y2z3`: ids have digits or capitals, unlike words such as `org-wide`. */
const ACCOUNT_IDS = /\b(?:org|organization|proj|project|acct)[-_](?=[a-z]*[A-Z\d])[A-Za-z\d_-]{4,}/g;
/** Whole or masked: `sk-proj-****wxyz`, `sk-…wxyz`, `AIza...wxyz`, `abcd******wxyz`. */
const KEYS = /\b(?:(?:sk|pk|rk|gsk|xai)-|AIza)[\w*.…-]{3,}[\w*]|[\w-]{0,40}\*{3,}[\w*-]*/g;

/** One line of at most 500 characters without ids and keys, and without half a surrogate pair at the cut. */
export function cleanMessage(message: string): string {
	// Cleans at most ten times the limit, because a message may be megabytes.
	const line = message
		.slice(0, FAILURE_MESSAGE_CHARS_MAX * 10)
		.replace(/[\p{Cc}\s]+/gu, " ")
		.replace(ACCOUNT_IDS, "[account]")
		.replace(KEYS, "[key]")
		.trim();
	const cut = line.length > FAILURE_MESSAGE_CHARS_MAX ? `${line.slice(0, FAILURE_MESSAGE_CHARS_MAX - 1)}…` : line;
	return cut.toWellFormed().replaceAll("\uFFFD", "");
}
