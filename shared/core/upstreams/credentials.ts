/** Credentials: the scopes in which providers share limits. Models called with one credential are blocked together. */
import { type ModelRoute, routeFor } from "./model-routes.ts";

/**
 * Names the credential that `model` is called with, without its secret. Behind one AI Gateway, each model maker may have its
 * own key and quota.
 */
function credentialOf(route: ModelRoute, model: string): string {
	const { provider, base_url, gateway = "", api_key_secret = "", headers = {} } = route;
	const url = base_url === undefined ? null : new URL(base_url);
	const server = url === null ? "" : url.origin + url.pathname;
	const sent = Object.entries(headers).map(([header, secret]) => `${header}:${secret}`);
	const maker = provider === "workers-ai" ? (model.split("/")[0] ?? "") : "";
	return [provider, server, gateway, maker, api_key_secret, ...sent.sort()].filter((part) => part !== "").join(" ");
}

/** The credential that `model` is called with; null: no route serves it. */
export function credentialFor(routes: readonly ModelRoute[], model: string): string | null {
	const route = routeFor(routes, model);
	return route === null ? null : credentialOf(route, model);
}

/** The key of the breaker for everything that is blocked together: all models called with one credential. */
export function credentialKeyOf(credential: string): string {
	return `credential:${credential}`;
}

/** The key of the breaker for everything that is throttled together: one model, called with one credential. */
export function modelKeyOf(credential: string, model: string): string {
	return `model:${credential}|${model}`;
}

/** The key of the breaker of one tenant at the upstream that `sharedKey` names for all. */
export function ownKeyOf(tenantId: string, sharedKey: string): string {
	return `own:${tenantId}|${sharedKey}`;
}

/** The breakers that a job's next call depends on: its tenant's own, and those that all tenants share. */
export function breakerKeysOf(job: { tenantId: string; credential: string; model: string }): string[] {
	const shared = [credentialKeyOf(job.credential), modelKeyOf(job.credential, job.model)];
	return [...shared.map((key) => ownKeyOf(job.tenantId, key)), ...shared];
}
