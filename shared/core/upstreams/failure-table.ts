/**
 * What each sign of failure means. Sources: the error references of OpenAI, Anthropic, Gemini, Workers AI and AI Gateway,
 * and what their official clients retry. Each row has its test.
 *
 * Specific words, which a provider uses for one thing only, are checked before the status. General words such as
 * `invalid_request_error`, which comes with 400, 401 and 404, are checked after it: they decide only errors inside a 200.
 */
import type { FailureClass } from "./failures.ts";

export interface Classification {
	class: FailureClass;
	/** Our code, used if the provider sent none. */
	code: string;
	/** Whether another model may succeed. False if the request itself is wrong. */
	nextModelMayHelp: boolean;
}

const row = (failureClass: FailureClass, code: string, nextModelMayHelp = true): Classification => ({
	class: failureClass,
	code,
	nextModelMayHelp,
});

const TRANSIENT = row("transient", "server_error");
const THROTTLED = row("throttled", "rate_limited");
const BLOCKED = row("blocked", "quota_exhausted");
/** The caller's error: every model would refuse it. */
const REJECTED = row("permanent", "invalid_request", false);
/** Permanent for this model only: another may exist, accept longer input, or have a credential that works. */
const UNKNOWN_MODEL = row("permanent", "model_not_found");
const TOO_LARGE = row("permanent", "request_too_large");
const TOO_LONG = row("permanent", "context_length_exceeded");
const FILTERED = row("permanent", "content_filter");
const UNAUTHORIZED = row("permanent", "unauthorized");
const FORBIDDEN = row("permanent", "forbidden");

export const SPECIFIC_WORDS: Readonly<Record<string, Classification>> = {
	// Quota: returns after a payment or on the next day.
	insufficient_quota: BLOCKED,
	credit_balance_exhausted: BLOCKED,
	organization_spend_limit_exceeded: BLOCKED,
	project_spend_limit_exceeded: BLOCKED,
	organization_usage_limit_exceeded: BLOCKED,
	enforced_spend_limit_reached: BLOCKED,
	billing_hard_limit_reached: BLOCKED,
	billing_not_active: BLOCKED,
	billing_error: BLOCKED,
	insufficient_credits: BLOCKED,
	"3036": BLOCKED,

	rate_limit_exceeded: THROTTLED,
	rate_limit_error: THROTTLED,
	slow_down: THROTTLED,
	too_many_requests: THROTTLED,
	resource_exhausted: THROTTLED,
	capacity_exceeded: THROTTLED,
	"3040": THROTTLED,

	overloaded_error: row("transient", "overloaded"),
	"3007": row("transient", "request_timeout"),
	"3008": row("transient", "request_timeout"),

	context_length_exceeded: TOO_LONG,
	string_above_max_length: TOO_LONG,
	content_filter: FILTERED,
	content_policy_violation: FILTERED,
	invalid_prompt: FILTERED,
	model_not_found: UNKNOWN_MODEL,
	"5007": UNKNOWN_MODEL,
	"3042": UNKNOWN_MODEL,
	unsupported_parameter: row("permanent", "unsupported_parameter"),
	unsupported_value: row("permanent", "unsupported_value"),
	request_too_large: TOO_LARGE,
	"3006": TOO_LARGE,
	invalid_api_key: UNAUTHORIZED,
	"2009": UNAUTHORIZED,
	unsupported_country_region_territory: FORBIDDEN,
	"3023": FORBIDDEN,
	"3041": FORBIDDEN,
	"5016": FORBIDDEN,
	"5018": FORBIDDEN,
	"3003": REJECTED,
	"5004": REJECTED,
	"5005": REJECTED,
	"5019": REJECTED,
};

/** Failures that some providers distinguish only by their message. Each applies to the given status only. */
export const SENTENCES: readonly { status: number; pattern: RegExp; classification: Classification }[] = [
	{ status: 400, pattern: /credit balance is too low/i, classification: BLOCKED },
	{ status: 429, pattern: /spend(ing)? limit/i, classification: BLOCKED },
	{ status: 400, pattern: /prompt is too long|context (length|window)/i, classification: TOO_LONG },
	{ status: 400, pattern: /api key not valid/i, classification: UNAUTHORIZED },
];

const BY_STATUS: Readonly<Record<number, Classification>> = {
	400: REJECTED,
	401: UNAUTHORIZED,
	402: BLOCKED,
	403: FORBIDDEN,
	404: UNKNOWN_MODEL,
	405: row("permanent", "method_not_allowed"),
	408: row("transient", "request_timeout"),
	409: row("transient", "conflict"),
	410: row("permanent", "gone"),
	413: TOO_LARGE,
	422: REJECTED,
	425: row("transient", "too_early"),
	429: THROTTLED,
	451: FORBIDDEN,
	503: row("transient", "unavailable"),
	504: row("transient", "gateway_timeout"),
	529: row("transient", "overloaded"),
};

export const GENERAL_WORDS: Readonly<Record<string, Classification>> = {
	invalid_request_error: REJECTED,
	authentication_error: UNAUTHORIZED,
	permission_error: FORBIDDEN,
	not_found_error: UNKNOWN_MODEL,
};

/** An error without a reason inside a 200: the provider had begun to respond, so a retry may succeed. */
export const ERROR_AFTER_SUCCESS: Classification = row("transient", "provider_error");

/** An unknown 4xx is the caller's error, an unknown 5xx (501, 505, 520–530) the provider's. Redirects are not followed. */
export function classificationOfStatus(status: number): Classification {
	const known = BY_STATUS[status];
	if (known !== undefined) return known;
	if (status >= 500) return TRANSIENT;
	return status >= 400 ? REJECTED : row("permanent", "redirected");
}
