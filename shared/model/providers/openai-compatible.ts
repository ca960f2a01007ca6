/** Any server of `POST {base_url}/chat/completions`: OpenAI itself, Ollama, vLLM, LiteLLM, any gateway. */

import type { Runtime } from "../../core/runtime.ts";
import { routeFailure } from "../../core/upstreams/failures.ts";
import type { ModelCall, Provider } from "../port.ts";

export interface OpenAiCompatibleDeps {
	runtime: Pick<Runtime, "fetch">;
	/** The value of a secret by its name; null where it is not set. */
	secret: (name: string) => string | null;
}

export function openAiCompatible({ runtime, secret }: OpenAiCompatibleDeps): Provider {
	return async function callOpenAiCompatible(call, signal) {
		const { base_url: baseUrl, api_key_secret: secretName } = call.route;
		if (baseUrl === undefined)
			return { ok: false, failure: routeFailure("route_misconfigured", "The route has no base_url.") };
		const key = secretName === undefined ? null : (secret(secretName) ?? "").trim();
		if (key === "")
			return {
				ok: false,
				failure: routeFailure("route_misconfigured", `The secret ${secretName} of this route is not set.`),
			};

		const headers: Record<string, string> = {
			"content-type": "application/json",
			accept: "application/json, text/event-stream",
			"user-agent": "holdfast",
		};
		if (key !== null) headers.authorization = `Bearer ${key}`;
		const response = await runtime.fetch(completionsUrl(baseUrl), {
			method: "POST",
			headers,
			body: call.input.with({ ...unstored(baseUrl, call), model: call.route.rename ?? call.model }).toBytes(),
			// A redirect would carry the prompt, and maybe the key, to an address that is not configured.
			redirect: "manual",
			signal,
		});
		return { ok: true, response, secrets: key === null ? [] : [key] };
	};
}

/** What OpenAI stores is out of reach of an erasure. Other servers may refuse the field. */
function unstored(baseUrl: string, { input }: ModelCall): { store?: false } {
	return URL.parse(baseUrl)?.hostname === "api.openai.com" && input.get("store") === undefined ? { store: false } : {};
}

/** Keeps the query of the base URL, such as Azure's `api-version`. */
function completionsUrl(baseUrl: string): string {
	const url = new URL(baseUrl);
	url.pathname = `${url.pathname.replace(/\/+$/, "")}/chat/completions`;
	return url.href;
}
