import { describe, expect, it } from "vitest";
import type { Json } from "../../../../../shared/core/json/json.ts";
import { classifyFailure, classifyThrown } from "../../../../../shared/core/upstreams/classify-failure.ts";
import { GATEWAY_WORDS, GENERAL_WORDS, SPECIFIC_WORDS } from "../../../../../shared/core/upstreams/failure-table.ts";
import type { FailureClass, FailureCode } from "../../../../../shared/core/upstreams/failures.ts";
import { FAILURE_MESSAGE_CHARS_MAX } from "../../../../../shared/core/upstreams/shown-message.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const ABOUT = { nowMs: NOW, withoutInput: (text: string) => text };
function classify(status: number | null, body?: Json, headers: Record<string, string> = {}) {
	const header = (name: string) => headers[name] ?? null;
	return classifyFailure({ provider: "openai-compatible", status, header, body, ...ABOUT });
}
const openai = (code: string | null, type = "invalid_request_error", message = "Why.") => ({
	error: { message, type, code, param: null },
});
const anthropic = (type: string, message = "Why.", code?: string) => ({
	type: "error",
	error: { type, message, ...(code === undefined ? {} : { details: { error_code: code } }) },
});
const cloudflare = (code: number) => ({ success: false, result: null, errors: [{ code, message: "Why." }] });

const gemini = (code: number, status: string, message = "Why.") => ({ error: { code, message, status } });
const TOO_LOW = "Your credit balance is too low to access the API.";
const SPENT = "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.";
const TOO_LONG = "prompt is too long: 210000 tokens > 200000 maximum";

describe("by status alone", () => {
	const rows: [status: number, failureClass: FailureClass, code: FailureCode][] = [
		[301, "permanent", "redirected"],
		[302, "permanent", "redirected"],
		[307, "permanent", "redirected"],
		[308, "permanent", "redirected"],
		[400, "permanent", "invalid_request"],
		[401, "permanent", "unauthorized"],
		[402, "blocked", "quota_exhausted"],
		[403, "permanent", "forbidden"],
		[404, "permanent", "model_not_found"],
		[405, "permanent", "invalid_request"],
		[408, "transient", "provider_timeout"],
		[409, "transient", "unavailable"],
		[410, "permanent", "model_not_found"],
		[413, "permanent", "request_too_large"],
		[418, "permanent", "invalid_request"],
		[422, "permanent", "invalid_request"],
		[425, "transient", "unavailable"],
		[429, "throttled", "rate_limited"],
		[451, "permanent", "forbidden"],
		[424, "transient", "unavailable"],
		[460, "transient", "connection_closed"],
		[498, "transient", "unavailable"],
		[499, "transient", "connection_closed"],
		[503, "transient", "unavailable"],
		[504, "transient", "provider_timeout"],
		[529, "transient", "overloaded"],
		...[500, 501, 502, 520, 521, 522, 523, 524, 525, 526, 527, 530, 599].map(
			(status): [number, FailureClass, FailureCode] => [status, "transient", "server_error"],
		),
	];
	it.each(rows)("%i is %s: %s", (status, failureClass, code) => {
		const failure = classify(status);
		expect(failure).toMatchObject({
			class: failureClass,
			status,
			code,
			providerCode: null,
			retryAfterMs: null,
		});
		expect(failure.message).toContain(String(status));
	});
});

describe("by the provider's words", () => {
	type Row = [status: number, body: Json, failureClass: FailureClass, code: FailureCode];
	/** Money, with whatever status. */
	const blockedBy = (word: string): Row => [500, openai(word), "blocked", "quota_exhausted"];
	const rows: Row[] = [
		[429, openai("insufficient_quota", "insufficient_quota"), "blocked", "quota_exhausted"],
		[429, openai(null, "insufficient_quota"), "blocked", "quota_exhausted"],
		[429, openai("credit_balance_exhausted"), "blocked", "quota_exhausted"],
		[429, openai("organization_spend_limit_exceeded"), "blocked", "quota_exhausted"],
		[429, openai("project_spend_limit_exceeded"), "blocked", "quota_exhausted"],
		[429, openai("organization_usage_limit_exceeded"), "blocked", "quota_exhausted"],
		[429, openai("billing_hard_limit_reached"), "blocked", "quota_exhausted"],
		[429, openai("billing_not_active"), "blocked", "quota_exhausted"],
		...[
			"enforced_spend_limit_reached",
			"contract_spend_limit_reached",
			"linked_organization_spend_limit_reached",
			"linked_organization_billing_unavailable",
			"organization_on_hold",
		].map((word): Row => [429, anthropic("rate_limit_error", "Why.", word), "blocked", "quota_exhausted"]),
		[400, anthropic("invalid_request_error", SPENT), "blocked", "quota_exhausted"],
		[402, anthropic("billing_error"), "blocked", "quota_exhausted"],
		[402, { error: { code: 402, message: "Insufficient credits" } }, "blocked", "quota_exhausted"],
		[403, openai("insufficient_credits"), "blocked", "quota_exhausted"],
		[400, anthropic("invalid_request_error", TOO_LOW), "blocked", "quota_exhausted"],
		[429, { error: "Spend limit reached for this gateway" }, "blocked", "quota_exhausted"],
		[429, cloudflare(3036), "blocked", "quota_exhausted"],

		[429, openai("rate_limit_exceeded", "tokens"), "throttled", "rate_limited"],
		[429, anthropic("rate_limit_error"), "throttled", "rate_limited"],
		[429, openai("slow_down"), "throttled", "rate_limited"],
		[503, openai("slow_down"), "throttled", "rate_limited"],
		[400, openai("rate_limit_exceeded"), "throttled", "rate_limited"],
		[503, openai("too_many_requests"), "throttled", "rate_limited"],
		[503, openai("capacity_exceeded"), "throttled", "rate_limited"],
		[429, gemini(429, "RESOURCE_EXHAUSTED"), "throttled", "rate_limited"],
		[429, cloudflare(3040), "throttled", "rate_limited"],
		[500, { name: "AiError", internalCode: 3040, description: "Why." }, "throttled", "rate_limited"],

		[529, anthropic("overloaded_error"), "transient", "overloaded"],
		[408, cloudflare(3007), "transient", "provider_timeout"],
		[408, cloudflare(3008), "transient", "provider_timeout"],
		[500, openai(null, "server_error"), "transient", "server_error"],

		[400, openai("context_length_exceeded"), "permanent", "context_length_exceeded"],
		[400, openai("string_above_max_length"), "permanent", "context_length_exceeded"],
		[400, anthropic("invalid_request_error", TOO_LONG), "permanent", "context_length_exceeded"],
		[400, openai("content_filter"), "permanent", "content_refused"],
		[400, openai("content_policy_violation"), "permanent", "content_refused"],
		[400, openai("invalid_prompt"), "permanent", "content_refused"],
		[400, openai("unsupported_parameter"), "permanent", "not_supported"],
		[400, openai("unsupported_value"), "permanent", "not_supported"],
		[400, openai(null), "permanent", "invalid_request"],
		[422, { detail: [{ msg: "Why.", input: "the prompt" }] }, "permanent", "invalid_request"],
		[404, openai("model_not_found"), "permanent", "model_not_found"],
		[400, cloudflare(5007), "permanent", "model_not_found"],
		[404, cloudflare(3042), "permanent", "model_not_found"],
		[404, anthropic("not_found_error"), "permanent", "model_not_found"],
		[413, anthropic("request_too_large"), "permanent", "request_too_large"],
		[413, cloudflare(3006), "permanent", "request_too_large"],
		[401, openai("invalid_api_key"), "permanent", "unauthorized"],
		[401, anthropic("authentication_error"), "permanent", "unauthorized"],
		[400, gemini(400, "INVALID_ARGUMENT", "API key not valid."), "permanent", "unauthorized"],
		[401, cloudflare(2009), "permanent", "unauthorized"],
		[403, anthropic("permission_error"), "permanent", "forbidden"],
		[403, openai("unsupported_country_region_territory"), "permanent", "forbidden"],
		...["insufficient_balance", "insufficient_balance_error", "insufficient_user_quota", "insufficient_funds"].map(
			blockedBy,
		),
		...["exceeded_current_quota", "exceeded_current_quota_error", "arrearage", "accountoverdueerror"].map(blockedBy),
		...["billing_disabled", "consumer_suspended", "1113", "1008"].map(blockedBy),
		...["InsufficientBalance", "AccountOverdue", "pre_consume_token_quota_failed", "AllocationQuota.FreeTierOnly"].map(
			blockedBy,
		),
		[400, gemini(400, "API_KEY_INVALID"), "permanent", "unauthorized"],
		...["ResponsibleAIPolicyViolation", "sensitive_words_detected"].map(
			(word): Row => [400, openai(word), "permanent", "content_refused"],
		),
		...["ratelimitexceeded", "userratelimitexceeded", "rate_limit_reached", "1302", "1303", "1305", "1002", "1039"].map(
			(word): Row => [400, openai(word), "throttled", "rate_limited"],
		),
		...["exceed_context_size_error", "1261"].map(
			(word): Row => [400, openai(word), "permanent", "context_length_exceeded"],
		),
		...["data_inspection_failed", "datainspectionfailed", "1301", "1026", "1027"].map(
			(word): Row => [400, openai(word), "permanent", "content_refused"],
		),
		[400, openai("1211"), "permanent", "model_not_found"],
		...[3023, 3041, 5016, 5018].map((code): Row => [403, cloudflare(code), "permanent", "forbidden"]),
		...[3003, 5004, 5005, 5019].map((code): Row => [400, cloudflare(code), "permanent", "invalid_request"]),

		[200, { error: { code: 502, message: "Why." } }, "transient", "server_error"],
		[200, { error: { code: 429, message: "Why." } }, "throttled", "rate_limited"],
		[200, { error: "model crashed" }, "transient", "server_error"],
		[200, anthropic("overloaded_error"), "transient", "overloaded"],
		[200, anthropic("api_error"), "transient", "server_error"],
		[200, anthropic("invalid_request_error"), "permanent", "invalid_request"],
		[200, anthropic("authentication_error"), "permanent", "unauthorized"],
		[200, anthropic("permission_error"), "permanent", "forbidden"],
		[200, anthropic("not_found_error"), "permanent", "model_not_found"],
		[200, cloudflare(3040), "throttled", "rate_limited"],
	];
	it.each(rows)("%i %j is %s: %s", (status, body, failureClass, code) => {
		expect(classify(status, body)).toMatchObject({ class: failureClass, code, status });
	});

	it("has a row here for every word of the table", () => {
		const tried = new Set(rows.map(([status, body]) => classify(status, body).providerCode?.toLowerCase()));
		expect(Object.keys({ ...SPECIFIC_WORDS, ...GENERAL_WORDS }).filter((word) => !tried.has(word))).toEqual([]);
	});

	it("knows no word that every object has", () => {
		expect(classify(500, openai("constructor"))).toMatchObject({ code: "server_error", providerCode: "constructor" });
	});
});

describe("behind the AI Gateway", () => {
	const behind = (status: number | null, body?: Json) =>
		classifyFailure({ provider: "workers-ai", status, header: () => null, body, ...ABOUT });
	/** As the gateway sent it in 2026. */
	const gateway = (httpCode: number, internalCode: number, message = "Why.") => {
		const error = [{ code: internalCode, message }];
		return { success: false, result: [], messages: [], error, name: "AiGatewayError", httpCode, internalCode, message };
	};
	const CREDIT = "Insufficient balance; add money to your gateway or use BYOK";
	const BUSY = "Wholesale rate limit exceeded for this gateway. Please reduce request rate or use BYOK.";
	const NOT_SOLD = "This model is not available via unified billing. Please use BYOK.";
	const NO_KEY = "This gateway requires provider credentials (byok_only) and none are stored for openai";
	const rows: [status: number | null, body: Json, here: FailureClass, elsewhere: FailureClass][] = [
		[400, gateway(400, 2001, "Please configure AI Gateway in the Cloudflare dashboard"), "blocked", "permanent"],
		[400, gateway(400, 2040, "Provider 'openai' has no BYOK credential named 'x'."), "blocked", "permanent"],
		[400, gateway(400, 2999, NO_KEY), "blocked", "permanent"],
		[401, gateway(401, 2009, "Unauthorized"), "blocked", "permanent"],
		[400, gateway(400, 2009, "Unauthorized"), "blocked", "permanent"],
		[401, openai("invalid_api_key"), "blocked", "permanent"],
		[401, openai(null), "blocked", "permanent"],
		[401, null, "blocked", "permanent"],
		[402, gateway(402, 2021, CREDIT), "blocked", "blocked"],
		[402, gateway(402, 2021, BUSY), "throttled", "blocked"],
		[429, gateway(429, 2021, BUSY), "throttled", "throttled"],
		[402, gateway(402, 2021, NOT_SOLD), "permanent", "blocked"],
		[402, gateway(402, 2049), "blocked", "blocked"],
		[401, gateway(401, 2047, "Invalid User Credentials"), "blocked", "permanent"],
		[400, gateway(400, 2999, "Provider 'x' has no BYOK credential named 'y'."), "blocked", "permanent"],
		[400, gateway(400, 2999, "The gateway is byok_only"), "blocked", "permanent"],
		[403, gateway(403, 2999, "Authentication error"), "permanent", "permanent"],
		[503, gateway(503, 2999, "Cloudflare's credential was rejected by the provider's API"), "blocked", "transient"],
		[503, gateway(503, 2999, "Upstream authentication service is temporarily unavailable"), "transient", "transient"],
		[503, gateway(503, 2999, "The credential store is unavailable"), "transient", "transient"],
		[403, anthropic("permission_error"), "permanent", "permanent"],
		[429, gateway(429, 2003, "Rate limited"), "throttled", "throttled"],
		[429, gateway(429, 2041, "Spend limit exceeded: rule 'a' (cost limit 100 per 604800s)"), "blocked", "blocked"],
		[503, gateway(503, 2999, "The provider rejected the credentials of Unified Billing"), "blocked", "transient"],
		[503, gateway(503, 7013, "Guardrails are unavailable"), "transient", "transient"],
		[503, null, "transient", "transient"],
		[400, gateway(400, 2005, "Failed to get response from provider"), "transient", "permanent"],
		[400, gateway(400, 2008, "Invalid provider"), "permanent", "permanent"],
		...[2016, 2017, 2029, 2030].map((code): [number, Json, FailureClass, FailureClass] => [
			422,
			gateway(422, code),
			"permanent",
			"permanent",
		]),
		[404, gateway(404, 7003, "Model not found: openai/x"), "permanent", "permanent"],
		[null, gateway(402, 2021, "Insufficient AI Gateway credits"), "blocked", "transient"],
	];
	it.each(rows)("%i %j is %s, and from another provider %s", (status, body, here, elsewhere) => {
		expect(behind(status, body)).toMatchObject({ class: here, status });
		expect(classify(status, body).class).toBe(elsewhere);
	});

	it("has a row here for every word of the table", () => {
		const tried = new Set(rows.map(([status, body]) => behind(status, body).providerCode));
		expect(Object.keys(GATEWAY_WORDS).filter((word) => !tried.has(word))).toEqual([]);
	});

	it.each([
		gateway(400, 7003, "Model execution failed (User Input Error): Invalid value at tools.0.name: my BYOK credentials"),
		openai(null, "invalid_request_error", "The credentials in messages.0 are invalid."),
		gateway(400, 7003, "Invalid input (unrecognized key 'credentials')"),
		gateway(400, 7003, "Invalid input (unrecognized key 'requires provider credentials')"),
		gateway(400, 7003, "Tool name authenticate_user is already in use"),
		gateway(400, 7003, "Tool name byok_only is already in use"),
	])("a refusal that quotes the request blocks nothing: %j", (body) => {
		expect(behind(400, body)).toMatchObject({ class: "permanent", code: "invalid_request" });
	});

	it("reads the code and the sentence of older gateways, which had them in a list only", () => {
		const { success, error } = gateway(400, 2001, "Please configure AI Gateway in the Cloudflare dashboard");
		expect(behind(400, { success, error })).toMatchObject({
			class: "blocked",
			code: "route_misconfigured",
			providerCode: "2001",
			message: error[0]?.message,
		});
	});
});

describe("a limit that only one request exceeds", () => {
	const limit = (code: string, message: string) => openai(code, "tokens", message);
	const rows: [status: number, body: Json, code: string][] = [
		[
			429,
			limit(
				"rate_limit_exceeded",
				"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 60000.",
			),
			"request_too_large",
		],
		[
			429,
			limit("rate_limit_exceeded", "The input or output tokens must be reduced in order to run successfully."),
			"request_too_large",
		],
		[
			413,
			limit(
				"rate_limit_exceeded",
				"Request too large for model `llama` on tokens per minute (TPM): Limit 6000, Requested 14368, please reduce your message size and try again.",
			),
			"request_too_large",
		],
		[429, limit("rate_limit_exceeded", "Rate limit reached on TPM: Limit 6000, Requested 6001."), "request_too_large"],
		[429, anthropic("rate_limit_error", "Extra usage is required for long context requests."), "request_too_large"],
		[
			429,
			gemini(429, "RESOURCE_EXHAUSTED", "Quota exceeded for metric: free_tier_requests, limit: 0, model: gemini-pro"),
			"model_not_available",
		],
		[
			429,
			{ message: "Tokens per request limit exceeded", type: "too_many_tokens_error", code: "token_quota_exceeded" },
			"request_too_large",
		],
		[
			402,
			{
				error: {
					code: 402,
					message:
						"This request requires more credits, or fewer max_tokens. You requested up to 65536 tokens, but can only afford 30104.",
				},
			},
			"request_too_large",
		],
		[402, { error: { code: 402, message: "Prompt tokens limit exceeded: 12000 > 8000." } }, "request_too_large"],
		[
			402,
			anthropic("billing_error", "You can only afford 1200 output tokens. Use fewer max_tokens."),
			"request_too_large",
		],
		[
			403,
			openai("insufficient_credits", "billing", "This request needs fewer max_tokens: 9 left."),
			"request_too_large",
		],
		[429, { error: { message: "The batch size exceeds the maximum of 96." } }, "request_too_large"],
		...[
			"max_tokens (64000) exceeds the output tokens per minute limit (8000) of this model.",
			"max_tokens of 32000 counts against the limit of 8000 tokens per minute.",
			"It would exceed the limit of 8,000 output tokens per minute: max_tokens is 16,000.",
			"Rate limit reached: Limit 10,000, Requested 14,368.",
			"Tokens requested (14368) exceed the limit of 6000 tokens per minute.",
			"A single request exceeds the quota of this deployment.",
			"Too many images in request: 21, maximum is 20.",
			"messages.0.content.1: image exceeds 5 MB maximum",
			"batch too large: 129 > 128",
			"请求体过大。",
		].map((words): (typeof rows)[number] => [429, limit("rate_limit_exceeded", words), "request_too_large"]),
		...["Quota metric x. quota_limit_value: 0", "The model is not available on the free plan."].map(
			(words): (typeof rows)[number] => [429, limit("rate_limit_exceeded", words), "model_not_available"],
		),
		...[
			"This request costs more than your balance allows: lower max_tokens to 1200.",
			"Insufficient credits for this request: 0.30 needed.",
			"Not enough credits to cover max_tokens=65536.",
			"The estimated cost exceeds the limit for a single request.",
		].map((words): (typeof rows)[number] => [402, openai(null, "billing", words), "request_too_large"]),
	];
	it.each(rows)("%i %j is permanent: %s, whatever x-should-retry says", (status, body, code) => {
		const failure = classify(status, body, { "x-should-retry": "true", "retry-after": "86400" });
		expect(failure).toMatchObject({ class: "permanent", code });
	});

	it.each([
		[
			429,
			"Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.",
		],
		[429, "Quota exceeded for metric: requests, limit: 0.5, please retry in 20s."],
		[429, "Too many requests. Please reduce your request rate."],
		[429, "Your max_tokens counts against 8000 tokens per minute, 20 are left. Try again in 9s, or reduce max_tokens."],
		[429, "Tokens requested (900) exceed the remaining limit of this minute."],
		[429, "Rate limit reached: Limit 10,000, Used 9,000, Requested 2,000."],
		[429, "Only a single request at a time; the limit is 1."],
	])("%i %s is throttled", (status, message) => {
		expect(classify(status, openai(null, "requests", message)).class).toBe("throttled");
	});
});

describe("by what the sentence says, wherever it stands", () => {
	const said = (message: string) => ({ error: { message } });
	const rows: [status: number, body: Json, failureClass: FailureClass, code: string][] = [
		...[
			[400, "input length and max_tokens exceed context limit: 190000 + 20000 > 200000"],
			[400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."],
			[400, "the request exceeds the available context size, try increasing it"],
			[500, "This model's maximum context length is 8192 tokens."],
			[422, "Range of input length should be [1, 30720]"],
			[429, "prompt is too long: 210000 tokens > 200000 maximum"],
		].map(([status, words]): (typeof rows)[number] => [
			Number(status),
			said(String(words)),
			"permanent",
			"context_length_exceeded",
		]),
		[400, said("registry.example/library/x does not support tools"), "permanent", "not_supported"],
		[404, said("No endpoints found. Image inputs are not supported."), "permanent", "not_supported"],
		[400, said("This model does not support image input."), "permanent", "not_supported"],
		[400, said("Model Not Exist"), "permanent", "model_not_found"],
		[500, said("The model `x` has been decommissioned."), "permanent", "model_not_found"],
		[403, said("No such model: x"), "permanent", "model_not_found"],
		[
			400,
			said("The response was filtered due to the prompt triggering the content management policy."),
			"permanent",
			"content_refused",
		],
		[500, said("Your request was rejected as a result of our safety system."), "permanent", "content_refused"],
		[429, said("Output data may contain inappropriate content."), "permanent", "content_refused"],
		[500, said("Insufficient Balance"), "blocked", "quota_exhausted"],
		[400, said("Access denied, please make sure your account is not in arrears."), "blocked", "quota_exhausted"],
		[412, said("This organization has been suspended."), "blocked", "quota_exhausted"],
		[498, {}, "transient", "unavailable"],
		[499, {}, "transient", "connection_closed"],
		[424, {}, "transient", "unavailable"],
		[460, {}, "transient", "connection_closed"],
		[418, said("The server is busy, please try again."), "transient", "unavailable"],
		[406, said("Temporarily unavailable."), "transient", "unavailable"],
		[
			403,
			{ error: { code: 403, message: "遇到错误", details: [{ reason: "BILLING_DISABLED" }] } },
			"blocked",
			"quota_exhausted",
		],
		[400, { error: { code: 400, errors: [{ reason: "userRateLimitExceeded" }] } }, "throttled", "rate_limited"],
		[400, { error: { code: "1113", message: "您的账户已欠费，请充值后重试。" } }, "blocked", "quota_exhausted"],
		[422, { message: { detail: [{ msg: "prompt is too long" }] } }, "permanent", "context_length_exceeded"],
		[400, { ...said("出错了"), code: "1261" }, "permanent", "context_length_exceeded"],
		[400, { __type: "data_inspection_failed", message: "Nein." }, "permanent", "content_refused"],
		[
			400,
			{ error: { code: "400", message: "Bad request", innererror: { code: "content_filter" } } },
			"permanent",
			"content_refused",
		],
		...[
			JSON.stringify({ error: { message: "prompt is too long: 210000 tokens" } }),
			JSON.stringify([{ error: { code: 400, message: "x", details: [{ reason: "context_length_exceeded" }] } }]),
			"This model's maximum context length is 4096 tokens.",
		].map((raw): (typeof rows)[number] => [
			429,
			{ error: { code: 429, message: "Provider returned error", metadata: { raw, provider_name: "x" } } },
			"permanent",
			"context_length_exceeded",
		]),
		[
			500,
			{ error: { message: "User balance is not enough: insufficient balance (1008)" } },
			"blocked",
			"quota_exhausted",
		],
		[403, { error_code: "arrearage", error_msg: "欠费" }, "blocked", "quota_exhausted"],
		...[
			"max_new_tokens: `inputs` tokens + `max_new_tokens` must be <= 4096.",
			"This model's maximum prompt length is 131072.",
			"Your request exceeded model token limit: 8192",
		].map((words): (typeof rows)[number] => [400, said(words), "permanent", "context_length_exceeded"]),
		...[
			"`tools` is not supported in this model.",
			"Function calling is not enabled for models/x",
			"x does not support thinking",
			"No endpoints found that support tool use.",
		].map((words): (typeof rows)[number] => [400, said(words), "permanent", "not_supported"]),
		...['model "x" not found, try pulling it first', "x is not a valid model ID", "invalid model name passed: x"].map(
			(words): (typeof rows)[number] => [400, said(words), "permanent", "model_not_found"],
		),
		[400, said("Content Exists Risk"), "permanent", "content_refused"],
		...[
			[500, "No credits remaining on this account."],
			[403, "Your team has used all available credits."],
			[400, "Payment method required: please add a payment method."],
			[403, "The free tier of the model has been exhausted."],
			[500, "用户余额不足"],
		].map(([status, words]): (typeof rows)[number] => [
			Number(status),
			said(String(words)),
			"blocked",
			"quota_exhausted",
		]),
		...[
			[440, "Session expired, retry later"],
			[449, "Retry with"],
			[463, "Temporary failure"],
			[419, "The model is currently loading"],
		].map(([status, words]): (typeof rows)[number] => [
			Number(status),
			said(String(words)),
			"transient",
			"unavailable",
		]),
		[400, { base_resp: { status_code: 1008, status_msg: "Konto leer" } }, "blocked", "quota_exhausted"],
		[422, { detail: [{ type: "insufficient_balance", msg: "Kein Geld" }] }, "blocked", "quota_exhausted"],
		[400, { errors: [{ extensions: { code: "insufficient_quota" }, message: "x" }] }, "blocked", "quota_exhausted"],
		[400, { ResponseMetadata: { Error: { Code: "AccountOverdueError", Message: "x" } } }, "blocked", "quota_exhausted"],
		[400, { errorCode: "insufficient_balance", errorMessage: "Solde épuisé" }, "blocked", "quota_exhausted"],
		[400, { status: "error", data: { code: "rate_limit_exceeded", message: "Trop" } }, "throttled", "rate_limited"],
		[400, { error: { error_type: "rate_limit_exceeded", message: "x" } }, "throttled", "rate_limited"],
		[400, { error: { message: "x", inner_error: { code: "content_filter" } } }, "permanent", "content_refused"],
		[500, { error: { message: "x", details: { reason: "model_not_found" } } }, "permanent", "model_not_found"],
		[423, said("The engine is temporarily locked."), "transient", "unavailable"],
		[421, said("Misdirected; please retry again."), "transient", "unavailable"],
	];
	it.each(rows)("%i %j is %s: %s", (status, body, failureClass, code) => {
		expect(classify(status, body)).toMatchObject({ class: failureClass, code });
	});

	it.each([
		[500, "Failed on: 'does the model not exist?'"],
		[500, "The engine got invalid model output."],
		[429, "Please try again in 2s."],
		[503, "The model is overloaded. Please try again later."],
		[429, "You exceeded your rate limit, please try again."],
		[429, "Rate limited: 'does the model not exist?'"],
		[503, "The content filter service is unavailable."],
		[504, "The response is overdue."],
	])("%i %s is what its status says", (status, message) => {
		expect(classify(status, said(message)).class).toBe(status === 429 ? "throttled" : "transient");
	});

	it.each([400, 403, 404, 422])("%i stays final though it asks to try again, with another request", (status) => {
		expect(classify(status, said("Invalid image. Please try again with a valid one.")).class).toBe("permanent");
	});
});

describe("x-should-retry", () => {
	const rows: [status: number, word: string, failureClass: FailureClass][] = [
		[400, "true", "transient"],
		[401, "TRUE", "transient"],
		[500, "true", "transient"],
		[429, "true", "throttled"],
		[402, "true", "blocked"],
		[500, "false", "permanent"],
		[429, "false", "permanent"],
		[402, "false", "blocked"],
		[400, "false", "permanent"],
		[500, "maybe", "transient"],
	];
	it.each(rows)("makes %i with %j %s", (status, word, failureClass) => {
		expect(classify(status, undefined, { "x-should-retry": word }).class).toBe(failureClass);
	});
});

describe("the wait asked for", () => {
	it.each([400, 402, 429, 503])("is read with %i, as with every failure", (status) => {
		expect(classify(status, undefined, { "retry-after": "3" }).retryAfterMs).toBe(3000);
	});

	it("is read from Gemini's details where no header says it", () => {
		const body = { error: { code: 429, message: "x", details: [{}, { "@type": "RetryInfo", retryDelay: "13.5s" }] } };
		expect(classify(429, body).retryAfterMs).toBe(13_500);
		expect(classify(429, body, { "retry-after": "3" }).retryAfterMs).toBe(3000);
	});

	it("is until midnight UTC once the day's free allocation of Workers AI is used up", () => {
		expect(classify(429, cloudflare(3036)).retryAfterMs).toBe(Date.UTC(2026, 0, 3) - NOW);
	});
});

describe("the message", () => {
	it.each<[string, Json]>([
		["OpenAI", openai(null)],
		["Anthropic", anthropic("api_error")],
		["Ollama", { error: "Why." }],
		["Cloudflare", cloudflare(1)],
		["AI Gateway", { name: "AiGatewayError", error: [{ code: 1, message: "Why." }] }],
		["Cloudflare's AiError", { internalCode: 3040, description: "Why." }],
		["Mistral", { object: "error", message: "Why.", type: "x", code: "3040" }],
		["FastAPI", { detail: "Why." }],
		["FastAPI's validation", { detail: [{ msg: "Why.", input: "the prompt" }] }],
		["Gemini's list", [{ error: { code: 400, message: "Why." } }]],
		["MiniMax", { base_resp: { status_code: 1000, status_msg: "Why." } }],
		["Baidu", { error_code: 336_000, error_msg: "Why." }],
		["Volcengine", { ResponseMetadata: { Error: { Code: "x", Message: "Why." } } }],
	])("is %s's own", (_, body) => {
		expect(classify(500, body).message).toBe("Why.");
	});

	it("is one line of at most 500 characters, without half a surrogate pair", () => {
		const { message } = classify(500, { error: { message: `a\n\tb\u0000${"🌍".repeat(400)}` } });
		expect(message.startsWith("a b 🌍")).toBe(true);
		expect(message.length).toBeLessThanOrEqual(FAILURE_MESSAGE_CHARS_MAX);
		expect(message.isWellFormed()).toBe(true);
		expect(message).not.toContain("\ufffd");
	});

	it("and the code are ours where the provider's are no use", () => {
		expect(classify(503, "<html>the prompt</html>")).toMatchObject({
			code: "unavailable",
			message: "The provider responded with 503.",
		});
		expect(classify(400, openai("a code with the prompt in it", "x y"))).toMatchObject({ code: "invalid_request" });
	});

	const AT_LIMIT = "Rate limit reached for gpt-4o in organization org-AbC123 on TPM: Limit 30000, Used 29000.";
	it.each([
		[
			400,
			"No access: organization org-AbC123, project proj_x1Y2.",
			"No access: organization [account], project [account].",
		],
		[400, "The org-wide default of proj_settings stays.", "The org-wide default of proj_settings stays."],
		[
			400,
			"Wrong keys: sk-proj-****wxyz, sk-...wxyz, AIza***wxyz, abcd******wxyz.",
			"Wrong keys: [key], [key], [key], [key].",
		],
		[
			400,
			"Bad api_key=9f8e7d6c5b4a39281706 or key id key_01ABCdef of user-AbC123.",
			"Bad api_key=[key] or key id [key] of [account].",
		],
		[
			400,
			"arn:aws:iam::123456789012:user/x may not; the public key is key_findings.",
			"[account] may not; the public key is key_findings.",
		],
		[401, "Incorrect API key provided: k.", expect.stringMatching(/^The provider rejected the credential/)],
		[403, "Team 12345 may not.", expect.stringMatching(/^The provider denied the call/)],
		[429, AT_LIMIT, expect.stringMatching(/^The provider limits the rate/)],
	])("of a %i shows nothing of the operator's account: %s", (status, said, shown) => {
		expect(classify(status, openai(null, "x", said)).message).toEqual(shown);
	});
});

describe("classifyThrown", () => {
	it("reads the code that Cloudflare puts before its sentence", () => {
		expect(classifyThrown("3040: Capacity temporarily exceeded, please try again.", ABOUT)).toMatchObject({
			class: "throttled",
			providerCode: "3040",
			status: null,
			message: "Capacity temporarily exceeded, please try again.",
		});
		expect(classifyThrown("5007: No such model", ABOUT)).toMatchObject({ class: "permanent", code: "model_not_found" });
	});

	it("leaves alone what is no such error", () => {
		expect(classifyThrown("Network connection lost.", ABOUT)).toBe(null);
	});
});
