/** Decides where a webhook may go: checked when its URL is submitted, and again before each attempt. */
import type { Config } from "../core/config.ts";
import type { Runtime } from "../core/runtime.ts";
import { checkWebhookUrl, isLoopbackHost } from "../core/webhooks/webhook-address.ts";
import { type Resolution, type Resolve, resolveHost } from "./resolve-host.ts";

export type ReceiverCheck =
	/** `url` is the form to store and call. */
	| { ok: true; url: string }
	/**
	 * `problem` is one sentence that never quotes the URL. `url` null: the URL itself is invalid. `isCertain` false: DNS did
	 * not respond; a sender must not send, but the URL may be stored, because it is checked again before each attempt.
	 */
	| { ok: false; problem: string; url: string | null; isCertain: boolean };

/** @param ownHosts this service's own host names, see `ownHosts` */
export async function checkReceiver(
	runtime: Runtime,
	config: Pick<Config, "allowInsecureWebhooks" | "webhookDnsUrl">,
	rawUrl: string,
	ownHosts: readonly string[],
	resolve: Resolve = resolveHost,
): Promise<ReceiverCheck> {
	const form = checkWebhookUrl(rawUrl, { allowInsecure: config.allowInsecureWebhooks, ownHosts });
	if (!form.ok) return { ok: false, problem: form.problem, url: null, isCertain: true };
	const { url } = form;
	if (config.webhookDnsUrl === null) return { ok: true, url };
	const { hostname } = new URL(url);
	if (isLoopbackHost(hostname)) return { ok: true, url };
	const found = await resolve(runtime, config.webhookDnsUrl, hostname);
	if (found.kind === "public") return { ok: true, url };
	return { ok: false, problem: problemWith(found), url, isCertain: found.kind !== "unknown" };
}

function problemWith(found: Exclude<Resolution, { kind: "public" }>): string {
	switch (found.kind) {
		case "private":
			return `The URL's host must resolve to public addresses only, but it resolves to ${found.address}.`;
		case "missing":
			return "The URL's host has no address in DNS.";
		case "unknown":
			return `The URL's host could not be resolved: ${found.why}.`;
	}
}
