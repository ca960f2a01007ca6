/**
 * Fields of an input that only the operator may decide: which model is called, at which address, with whose key, and what a server
 * inside the operator's network fetches. Gateways and self-hosted servers obey them. A route may allow some by name.
 */
/** Of OpenRouter, LiteLLM and vLLM. `model` is not among them: every call replaces it. */
const ROUTING_FIELDS = [
	"models",
	"fallbacks",
	"context_window_fallbacks",
	"content_policy_fallbacks",
	"route",
	"provider",
	"custom_llm_provider",
	"model_list",
	"deployment_id",
	"api_base",
	"base_url",
	"api_type",
	"api_version",
	"api_key",
	"organization",
	"user_config",
	"litellm_params",
	"litellm_credential_name",
	"headers",
	"extra_headers",
	"extra_query",
	"extra_body",
	"azure_ad_token",
	"aws_access_key_id",
	"aws_secret_access_key",
	"aws_session_token",
	"aws_bedrock_runtime_endpoint",
	"vertex_credentials",
	"proxy_server_request",
	"kv_transfer_params",
] as const;

/** Not a field: addresses inside a network, anywhere in a message. */
const PRIVATE_URLS = "private_urls";

export const ALLOWABLE = [...ROUTING_FIELDS, PRIVATE_URLS] as const;
export type Allowable = (typeof ALLOWABLE)[number];

type IsPublicHost = (hostname: string) => boolean;

/** The first field with which the input would route or authenticate; null: none. */
export function routingFieldIn(isIn: (name: string) => boolean, allowed: readonly string[]): string | null {
	return ROUTING_FIELDS.find((name) => isIn(name) && !allowed.includes(name)) ?? null;
}

/** The path of the first private address in `messages`, such as `messages.0.content.1.image_url.url`; null: none. */
export function privateUrlIn(
	messages: readonly { content?: unknown }[],
	allowed: readonly string[],
	isPublicHost: IsPublicHost,
): string | null {
	if (allowed.includes(PRIVATE_URLS)) return null;
	for (const [at, { content }] of messages.entries()) {
		const path = Array.isArray(content)
			? privateUrlBelow(content, `messages.${at}.content`, LEVELS_MAX, isPublicHost)
			: null;
		if (path !== null) return path;
	}
	return null;
}

/** A part, its field, and the field of that: `content.0.image_url.url`. */
const LEVELS_MAX = 4;

function privateUrlBelow(value: unknown, path: string, levels: number, isPublicHost: IsPublicHost): string | null {
	if (typeof value === "string") return isPrivateUrl(value, isPublicHost) ? path : null;
	if (typeof value !== "object" || value === null || levels === 0) return null;
	for (const [name, below] of Object.entries(value)) {
		// What a text quotes is not fetched.
		const found = name === "text" ? null : privateUrlBelow(below, `${path}.${name}`, levels - 1, isPublicHost);
		if (found !== null) return found;
	}
	return null;
}

function isPrivateUrl(text: string, isPublicHost: IsPublicHost): boolean {
	const url = /^\s*(https?|ftp|file):/i.test(text) ? URL.parse(text) : null;
	return url !== null && (url.protocol === "file:" || !isPublicHost(url.hostname));
}
