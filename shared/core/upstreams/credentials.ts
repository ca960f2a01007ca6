/** Lanes: what is blocked together. Models asked with one credential share a credential. */
import { type ModelRoute, routeFor } from "./model-routes.ts";

/**
 * Names the credential that `model` is asked with, and never tells it. Behind one AI Gateway each maker of models may have
 * a key, and a quota, of its own.
 */
function credentialOf(route: ModelRoute, model: string): string {
	const { provider, base_url, gateway = "", api_key_secret = "" } = route;
	const url = base_url === undefined ? null : new URL(base_url);
	const server = url === null ? "" : url.origin + url.pathname;
	const maker = provider === "workers-ai" ? (model.split("/")[0] ?? "") : "";
	return [provider, server, gateway, maker, api_key_secret].filter((part) => part !== "").join(" ");
}

/** The credential in which `model` is asked; null: no route serves it. */
export function credentialFor(routes: readonly ModelRoute[], model: string): string | null {
	const route = routeFor(routes, model);
	return route === null ? null : credentialOf(route, model);
}

/** What is throttled together: one model in its credential. */
export function modelKeyOf(credential: string, model: string): string {
	return `${credential}|${model}`;
}

/** What the next call of a job depends on. In SQL: `KEYS_OF_JOB`. */
export function keysOf(job: { credential: string; model: string }): string[] {
	return [job.credential, modelKeyOf(job.credential, job.model)];
}
