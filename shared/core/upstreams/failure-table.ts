/**
 * What each sign of failure means. Sources: the error references of OpenAI, Anthropic, Gemini, Workers AI and AI Gateway,
 * and what their official clients retry. Each row has its test.
 *
 * Specific words, which a provider uses for one thing only, are checked before the status. General words such as
 * `invalid_request_error`, which comes with 400, 401 and 404, are checked after it: they decide only errors inside a 200.
 */
import type { FailureClass, FailureCode } from "./failures.ts";

export interface Classification {
	class: FailureClass;
	code: FailureCode;
}

const row = (failureClass: FailureClass, code: FailureCode): Classification => ({ class: failureClass, code });

const TRANSIENT = row("transient", "server_error");
const UNAVAILABLE = row("transient", "unavailable");
const OVERLOADED = row("transient", "overloaded");
const PROVIDER_TIMEOUT = row("transient", "provider_timeout");
const CONNECTION_CLOSED = row("transient", "connection_closed");
const THROTTLED = row("throttled", "rate_limited");
const BLOCKED = row("blocked", "quota_exhausted");
/** The operator's to mend, and no caller's job fails for it. */
const MISCONFIGURED = row("blocked", "route_misconfigured");
const REJECTED = row("permanent", "invalid_request");
const UNKNOWN_MODEL = row("permanent", "model_not_found");
const NOT_IN_PLAN = row("permanent", "model_not_available");
const TOO_LARGE = row("permanent", "request_too_large");
const TOO_LONG = row("permanent", "context_length_exceeded");
const UNAUTHORIZED = row("permanent", "unauthorized");
const FORBIDDEN = row("permanent", "forbidden");
const NOT_SUPPORTED = row("permanent", "not_supported");
const REFUSED_CONTENT = row("permanent", "content_refused");

/** Statuses that mean nothing by themselves. With a known one, "try again" may mean: with another request. */
const KNOWN_4XX: ReadonlySet<number> = new Set([
	400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 411, 413, 414, 415, 422, 424, 425, 429, 431, 451, 460, 498, 499,
]);
const UNKNOWN_4XX = Array.from({ length: 100 }, (_, at) => 400 + at).filter((status) => !KNOWN_4XX.has(status));

export const SPECIFIC_WORDS: Readonly<Record<string, Classification>> = {
	// Quota: returns after a payment or on the next day.
	insufficient_quota: BLOCKED,
	credit_balance_exhausted: BLOCKED,
	organization_spend_limit_exceeded: BLOCKED,
	project_spend_limit_exceeded: BLOCKED,
	organization_usage_limit_exceeded: BLOCKED,
	// Anthropic's, among the details of a 400, 402, 403 or 429.
	enforced_spend_limit_reached: BLOCKED,
	contract_spend_limit_reached: BLOCKED,
	linked_organization_spend_limit_reached: BLOCKED,
	linked_organization_billing_unavailable: BLOCKED,
	organization_on_hold: BLOCKED,
	billing_hard_limit_reached: BLOCKED,
	billing_not_active: BLOCKED,
	billing_error: BLOCKED,
	insufficient_credits: BLOCKED,
	insufficient_balance: BLOCKED,
	insufficient_balance_error: BLOCKED,
	insufficient_user_quota: BLOCKED,
	insufficient_funds: BLOCKED,
	exceeded_current_quota: BLOCKED,
	exceeded_current_quota_error: BLOCKED,
	arrearage: BLOCKED,
	accountoverdue: BLOCKED,
	accountoverdueerror: BLOCKED,
	insufficientbalance: BLOCKED,
	pre_consume_token_quota_failed: BLOCKED,
	"allocationquota.freetieronly": BLOCKED,
	billing_disabled: BLOCKED,
	consumer_suspended: BLOCKED,
	/** Zhipu's and MiniMax's numbers for an account without money. */
	"1113": BLOCKED,
	"1008": BLOCKED,
	"3036": BLOCKED,

	rate_limit_exceeded: THROTTLED,
	rate_limit_error: THROTTLED,
	slow_down: THROTTLED,
	too_many_requests: THROTTLED,
	resource_exhausted: THROTTLED,
	capacity_exceeded: THROTTLED,
	ratelimitexceeded: THROTTLED,
	userratelimitexceeded: THROTTLED,
	rate_limit_reached: THROTTLED,
	"1302": THROTTLED,
	"1303": THROTTLED,
	"1305": THROTTLED,
	"1002": THROTTLED,
	"1039": THROTTLED,
	"3040": THROTTLED,

	overloaded_error: OVERLOADED,
	"3007": PROVIDER_TIMEOUT,
	"3008": PROVIDER_TIMEOUT,

	context_length_exceeded: TOO_LONG,
	string_above_max_length: TOO_LONG,
	exceed_context_size_error: TOO_LONG,
	"1261": TOO_LONG,
	content_filter: REFUSED_CONTENT,
	content_policy_violation: REFUSED_CONTENT,
	invalid_prompt: REFUSED_CONTENT,
	data_inspection_failed: REFUSED_CONTENT,
	datainspectionfailed: REFUSED_CONTENT,
	responsibleaipolicyviolation: REFUSED_CONTENT,
	sensitive_words_detected: REFUSED_CONTENT,
	"1301": REFUSED_CONTENT,
	"1026": REFUSED_CONTENT,
	"1027": REFUSED_CONTENT,
	model_not_found: UNKNOWN_MODEL,
	"5007": UNKNOWN_MODEL,
	"3042": UNKNOWN_MODEL,
	unsupported_parameter: NOT_SUPPORTED,
	unsupported_value: NOT_SUPPORTED,
	"1211": UNKNOWN_MODEL,
	request_too_large: TOO_LARGE,
	"3006": TOO_LARGE,
	invalid_api_key: UNAUTHORIZED,
	api_key_invalid: UNAUTHORIZED,
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

/**
 * What a sentence says, whatever the status. The first that matches counts. `request`: it names what the one request did, so
 * that no code and no status makes other requests wait. `account`, `moment`: it decides only where no specific word does.
 */
export interface SentenceRow {
	about: "request" | "account" | "moment";
	pattern: RegExp;
	classification: Classification;
	/** Not with any other status. */
	statuses?: readonly number[];
}

const request = (classification: Classification, ...patterns: RegExp[]): SentenceRow[] =>
	patterns.map((pattern) => ({ about: "request", pattern, classification }));
const account = (...patterns: RegExp[]): SentenceRow[] =>
	patterns.map((pattern) => ({ about: "account", pattern, classification: BLOCKED }));

export const SENTENCES: readonly SentenceRow[] = [
	...request(
		TOO_LARGE,
		/\b(request|batch|payload)( entity| body| payload)? (is |was )?too large\b|请求体?过大/i,
		/\b(tokens?|input|prompt|messages?|request) must be reduced\b/i,
		/\breduce (your|the) (message|prompt|input|request)s? size\b/i,
		/\btokens? per request\b|\bper[- ]request token\b/i,
		/\bsingle request exceeds\b|\bexceeds?\b[^.]*\b(single|per[- ]) ?request\b|\bper[- ]request\b[^.]*\blimit\b/i,
		/\bprompt tokens limit exceeded\b/i,
		/\bfewer max_tokens\b|\bcan only afford\b/i,
		/\bcan afford\b|\bcredits? (to cover|for this request)\b|\brequest has too many tokens\b/i,
		// Of one request, and not of what others have used.
		/^(?!.*\bagain\b).*\b(lower|reduce|decrease) (your |the )?max_(completion_)?tokens\b/i,
		/^(?!.*\b(again|used|left|remaining)\b).*\bmax_(completion_|output_)?tokens\b[^.]*\b(exceeds?|counts? against)\b.*\bminute\b/i,
		/^(?!.*\b(again|used|left|remaining)\b).*(\bminute: max_tokens\b|\btokens requested\b[^.]*\bexceeds?\b[^.]*\blimit\b)/i,
		/\b(message|image|file|payload) size\b[^.]*\bexceeds?\b/i,
		/\brequired for long context requests\b/i,
		/\b(batch size|number of images|too many images)\b[^.]*\b(exceed|limit|maximum|at most)/i,
		/\bat most \d+ (images?|files?)\b|\bimages?\b(?! per)[^.]{0,30}\bexceeds?\b[^.]*\b(max|size|\d+ ?[km]b)\b/i,
	),
	// Gemini: the plan grants none of this model.
	...request(
		NOT_IN_PLAN,
		/\b(limit|quota_limit_value): 0(?![.\d])/i,
		/\bmodel\b[^.]*\bnot (available|included|supported)\b[^.]*\bplan\b|\bplan does not include\b/i,
	),
	...request(
		TOO_LONG,
		/\b(prompt|input|message|request)s? (is|are) too long\b/i,
		/\bcontext[ _-](length|window|limit|size)\b/i,
		/\bexceed(s|ed)? (the )?(maximum|max|model) (number of )?(input )?tokens?\b/i,
		/\btoo many tokens\b[^.]*\bexceed|\bmaximum (prompt|input) length\b|\btokens\W* \+ \W*(max_new_tokens\b|must be)|上下文长度/i,
		/\breduce the length of\b/i,
		/\brange of input length\b/i,
	),
	...request(
		NOT_SUPPORTED,
		/\bdo(es)? not support (tools?|tool use|function|images?|image input|vision|thinking|streaming|system|json|this (parameter|feature|input))/i,
		/\b(tools?|tool use|(tool|function) calling|image inputs?|vision) (is|are) not (supported|enabled)\b/i,
		/\binstructions? (is|are) not enabled\b|\bno endpoints found that support\b|^'' (is|are) not supported (in|by|for|with) this model\b/i,
	),
	...request(
		UNKNOWN_MODEL,
		/\bmodel (\S+ )?(does )?not (exist|found)\b|\bno such model\b|\bunknown model\b|\binvalid model( name| id)?( passed|:)|模型不存在/i,
		/\bnot a valid model\b|\bsupported api model names\b/i,
		/\bmodel\b[^.]{0,80}\b(does not exist|was not found|has been (deprecated|retired|decommissioned))\b/i,
	),
	...request(
		REFUSED_CONTENT,
		/\bcontent (management|filter(ing)?|safety|moderation) policy\b/i,
		/\b(flagged|blocked|filtered|rejected) (by|as|for|due to)\b[^.]{0,60}\b(safety|moderation|policy|content|unsafe)\b/i,
		/\b(inappropriate|unsafe|sensitive|prohibited)[ _]content\b|\bcontent exists risk\b/i,
	),
	...account(
		/\binsufficient (account |user )?(balance|credits?|funds|quota)\b|\b(credit )?balance is (too low|not enough|insufficient)\b|余额不足|欠费/i,
		/\bin arrears\b|\b(account|bill|payment)\b[^.]{0,40}\boverdue\b|\bout of credits?\b|\bexceeded your current quota\b/i,
		/\bno credits? (remaining|left)\b|\bcredits? (are |is )?exhausted\b|\b(used all|exceeded your)\b[^.]*\bcredits\b|\brequires billing\b|\badd a payment method\b|\bfree (tier|quota)\b[^.]*\bexhausted\b/i,
		/\b(account|organi[sz]ation|project|subscription)\b[^.]{0,60}\bsuspended\b/i,
		// Anthropic's limit of an organization or workspace, a 400.
		/\breached your specified (workspace )?api usage limits?\b/i,
	),
	{ about: "account", pattern: /spend(ing)? limit/i, statuses: [429], classification: BLOCKED },
	{ about: "account", pattern: /api key not valid/i, statuses: [400], classification: UNAUTHORIZED },
	{
		about: "moment",
		pattern:
			/\b(try|retry) again\b|\b(re)?try (later|with|in \d)|\btemporar(y|ily)\b|\boverloaded\b|\bserver (is )?busy\b|\b(is|still|currently) (loading|warming up)\b/i,
		statuses: UNKNOWN_4XX,
		classification: UNAVAILABLE,
	},
];

/** "Limit 30000, Requested 60000" without a use before it: no wait lets this request through. */
const LIMIT_AND_REQUESTED = /\blimit:? ([\d,]*\d), requested:? ([\d,]*\d)/i;

/** What a sentence says about the one request, where code or status would have all requests wait. */
export function classificationOfRequest(message: string): Classification | null {
	const [limit, requested] = (LIMIT_AND_REQUESTED.exec(message) ?? [])
		.slice(1)
		.map((n) => Number(n.replaceAll(",", "")));
	if (limit !== undefined && requested !== undefined && requested > limit) return TOO_LARGE;
	return SENTENCES.find(({ about, pattern }) => about === "request" && pattern.test(message))?.classification ?? null;
}

export function classificationOfSentence(message: string, status: number | null): Classification | null {
	const applies = ({ statuses }: SentenceRow) =>
		statuses === undefined || (status !== null && statuses.includes(status));
	return (
		classificationOfRequest(message) ??
		SENTENCES.find((one) => applies(one) && one.pattern.test(message))?.classification ??
		null
	);
}

/**
 * What a refusal means behind the AI Gateway, where that differs from the rows around it. There, whatever is wrong with the
 * gateway, its credit or its credential is the operator's to mend, and no caller's job fails for it. Sources: the AI Gateway
 * pages on limits, Unified Billing, Guardrails and DLP; its changelog of 2026-09-14, 2026-09-17 and 2026-10-05; bodies quoted
 * in public reports of 2026.
 */
export const GATEWAY_WORDS: Readonly<Record<string, Classification>> = {
	/** No gateway of that name. */
	"2001": MISCONFIGURED,
	"2009": MISCONFIGURED,
	/** No credit; the sentences below are its other meanings. */
	"2021": BLOCKED,
	/** No key of that alias is stored. */
	"2040": MISCONFIGURED,
	/** Spend limit. */
	"2041": BLOCKED,
	"2047": MISCONFIGURED,
	"2049": BLOCKED,
	invalid_api_key: MISCONFIGURED,
	"2003": THROTTLED,
	"2005": TRANSIENT,
	"2008": UNKNOWN_MODEL,
	"2016": REFUSED_CONTENT,
	"2017": REFUSED_CONTENT,
	"2029": REFUSED_CONTENT,
	"2030": REFUSED_CONTENT,
};

/**
 * What the gateway says in a sentence of its own, checked before its codes: 2021 stands for three of them. They are matched up
 * to the first colon, behind which the gateway quotes the request, and without quoted words, so that no caller can block a
 * credential.
 */
export const GATEWAY_SENTENCES: readonly {
	pattern: RegExp;
	statuses?: readonly number[];
	classification: Classification;
}[] = [
	// 200 requests a minute, for all that one gateway calls on Cloudflare's credentials.
	{ pattern: /^wholesale rate limit/i, classification: THROTTLED },
	{
		pattern: /^[^:]*not available via unified billing/i,
		classification: NOT_IN_PLAN,
	},
	// A gateway that requires a provider's key has none.
	{
		pattern: /^[^:]*\b(requires provider credentials|no byok credential|gateway\b[^:]*\bbyok_only)\b/i,
		statuses: [400],
		classification: MISCONFIGURED,
	},
	// The provider rejects Cloudflare's own credential.
	{
		pattern: /^[^:]*(\breject\w*\b[^:]*\bcredentials?\b|\bcredentials?\b[^:]*\breject)/i,
		statuses: [503],
		classification: MISCONFIGURED,
	},
];

/** The binding is authenticated by the account: a 401 is about the provider's credential. */
export const GATEWAY_STATUSES: Readonly<Record<number, Classification>> = { 401: MISCONFIGURED };

export const BY_STATUS: Readonly<Record<number, Classification>> = {
	400: REJECTED,
	401: UNAUTHORIZED,
	402: BLOCKED,
	403: FORBIDDEN,
	404: UNKNOWN_MODEL,
	405: REJECTED,
	408: PROVIDER_TIMEOUT,
	409: UNAVAILABLE,
	410: UNKNOWN_MODEL,
	413: TOO_LARGE,
	422: REJECTED,
	424: UNAVAILABLE,
	425: UNAVAILABLE,
	429: THROTTLED,
	451: FORBIDDEN,
	/** Of proxies: the client's, or the server's, connection ended early. */
	460: CONNECTION_CLOSED,
	498: UNAVAILABLE,
	499: CONNECTION_CLOSED,
	503: UNAVAILABLE,
	504: PROVIDER_TIMEOUT,
	529: OVERLOADED,
};

export const GENERAL_WORDS: Readonly<Record<string, Classification>> = {
	invalid_request_error: REJECTED,
	authentication_error: UNAUTHORIZED,
	permission_error: FORBIDDEN,
	not_found_error: UNKNOWN_MODEL,
};

/** An error without a reason inside a 200: the provider had begun to respond, so a retry may succeed. */
export const ERROR_AFTER_SUCCESS: Classification = TRANSIENT;

/** An unknown 4xx is the caller's error, an unknown 5xx (501, 505, 520–530) the provider's. Redirects are not followed. */
export function classificationOfStatus(status: number): Classification {
	const known = BY_STATUS[status];
	if (known !== undefined) return known;
	if (status >= 500) return TRANSIENT;
	return status >= 400 ? REJECTED : row("permanent", "redirected");
}
