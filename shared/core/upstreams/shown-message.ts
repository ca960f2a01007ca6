/**
 * What a tenant reads of a provider's refusal. The account at the provider is the operator's: its ids, keys, limits and other
 * tenants' use of it are left out.
 */
import type { Classification } from "./failure-table.ts";

/** Long enough for any provider's sentence, too short for a prompt or a page of HTML. */
export const FAILURE_MESSAGE_CHARS_MAX = 500;

/** @param said the provider's own message @param withoutInput leaves out what it quotes of the input */
export function shownMessage(
	said: string | null,
	status: number | null,
	{ class: kind, code }: Classification,
	withoutInput: (text: string) => string,
): string {
	if (code === "unauthorized" || status === 401)
		return `The provider rejected the credential of this model's route${inBrackets(status)}. The operator must replace it.`;
	if (code === "forbidden")
		return `The provider denied the call${inBrackets(status)}: its credential lacks access, or its policy forbids the request.`;
	if (kind === "throttled" && AMOUNTS.test(said ?? ""))
		return `The provider limits the rate of calls to this model${inBrackets(status)}.`;
	return said === null ? ownMessage(status) : cleanMessage(said, withoutInput);
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
const ACCOUNT_IDS =
	/\b(?:org|organization|proj|project|acct|team|ws|user)[-_](?=[a-z]*[A-Z\d])[A-Za-z\d_-]{4,}|\barn:aws[\w:/.-]+/g;
/** `project 123456789012`, `projects/my-shop-1234`, `organization "0f8e…"`, `"account_id": "0f8e…"`: a name with a digit behind the word. */
const NAMED_IDS =
	/\b((?:organi[sz]ation|project|subscription|tenant|account|workspace|team|consumer)s?(?:[ _]?(?:id|number|name))?[\s:=/'"\x60(\\]{1,6})(?=[\w-]*\d)[\w-]{5,}/gi;
/** Whole or masked: `sk-proj-****wxyz`, `sk-…wxyz`, `AIza...wxyz`, `abcd******wxyz`. */
const KEYS =
	/\b(?:(?:sk|pk|rk)[-_]|key[-_](?=[a-z]*(?:[A-Z\d*…]|\.{2}))|(?:gsk|xai|hf|pplx|nvapi|fw|r8)[-_]|AIza|AKIA|eyJ)[\w*.…-]{3,}[\w*]|[\w-]{0,40}\*{3,}[\w*-]*|(?<=\bBearer )[\w.~+/=-]{8,}/g;
/** `api_key=0a1b…`: without a prefix, long, and with a digit. */
const NAMED_KEYS = /(?<=\b(?:api[-_ ]?key|token|secret)\b[\s:='"\x60\\]{1,6})(?=[\w-]*\d)[\w-]{16,}/gi;

/** Without the ids and the keys of the operator's account. */
export function withoutAccount(text: string): string {
	return text
		.replace(ACCOUNT_IDS, "[account]")
		.replace(NAMED_IDS, "$1[account]")
		.replace(KEYS, "[key]")
		.replace(NAMED_KEYS, "[key]");
}

/** One line of at most 500 characters without ids and keys, and without half a surrogate pair at the cut. */
export function cleanMessage(message: string, withoutInput = (text: string) => text): string {
	// Cleans at most ten times the limit, because a message may be megabytes.
	const start = message.slice(0, FAILURE_MESSAGE_CHARS_MAX * 10).replace(/[\p{Cc}\s]+/gu, " ");
	const line = withoutAccount(withoutInput(start)).trim();
	const cut = line.length > FAILURE_MESSAGE_CHARS_MAX ? `${line.slice(0, FAILURE_MESSAGE_CHARS_MAX - 1)}…` : line;
	return cut.toWellFormed().replaceAll("\uFFFD", "");
}
