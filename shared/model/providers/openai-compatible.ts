/** Any server of `POST {base_url}/chat/completions`: OpenAI itself, Ollama, vLLM, LiteLLM, any gateway. */

import type { Runtime } from "../../core/runtime.ts";
import { routeFailure } from "../../core/upstreams/failures.ts";
import type { ModelRoute } from "../../core/upstreams/model-routes.ts";
import { headerValue } from "../../core/upstreams/route-secrets.ts";
import type { Provider } from "../port.ts";

export interface OpenAiCompatibleDeps {
	runtime: Pick<Runtime, "fetch">;
	/** The value of a secret by its name; null where it is not set. */
	secret: (name: string) => string | null;
}

export function openAiCompatible({ runtime, secret }: OpenAiCompatibleDeps): Provider {
	return async function callOpenAiCompatible(call, signal) {
		const { base_url: baseUrl } = call.route;
		if (baseUrl === undefined) return misconfigured("The route has no base_url.");
		const sent = secretHeaders(call.route, secret);
		if (sent === null) return misconfigured("A secret that this route names is not set.");
		const response = await runtime.fetch(completionsUrl(baseUrl), {
			method: "POST",
			headers: { ...OWN_HEADERS, ...sent },
			body: call.input.with({ model: call.route.rename ?? call.model }).toBytes(),
			// A redirect would carry the prompt, and maybe the key, to an address that is not configured.
			redirect: "manual",
			signal,
		});
		return { ok: true, response, secrets: Object.values(sent).flatMap(quotable) };
	};
}

const OWN_HEADERS = {
	"content-type": "application/json",
	accept: "application/json, text/event-stream",
	"user-agent": "holdfast",
};

function misconfigured(message: string) {
	return { ok: false as const, failure: routeFailure("route_misconfigured", message) };
}

/** Null: a secret is missing. */
function secretHeaders(route: ModelRoute, secret: OpenAiCompatibleDeps["secret"]): Record<string, string> | null {
	const headers: Record<string, string> = {};
	for (const [header, name] of Object.entries(route.headers ?? {})) {
		const value = headerValue(secret, name);
		if (value === null) return null;
		headers[header] = value;
	}
	if (route.api_key_secret === undefined) return headers;
	const key = headerValue(secret, route.api_key_secret);
	return key === null ? null : { ...headers, authorization: `Bearer ${key}` };
}

/** A provider may quote a header without its scheme. */
function quotable(value: string): string[] {
	const [scheme = "", ...rest] = value.split(" ");
	return rest.length > 0 && /^[a-z]+$/i.test(scheme) ? [value, rest.join(" ")] : [value];
}

/** Keeps the query of the base URL, such as Azure's `api-version`. */
function completionsUrl(baseUrl: string): string {
	const url = new URL(baseUrl);
	url.pathname = `${url.pathname.replace(/\/+$/, "")}/chat/completions`;
	return url.href;
}
