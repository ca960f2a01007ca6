/** Lanes: what is blocked together. Models asked with one credential share a lane. */
import { type ModelRoute, routeFor } from "./model-routes.ts";

/**
 * Names the credential that `model` is asked with, and never tells it. Behind one AI Gateway each maker of models may have
 * a key, and a quota, of its own.
 */
function laneOf(route: ModelRoute, model: string): string {
	const { provider, base_url, gateway = "", api_key_secret = "" } = route;
	const url = base_url === undefined ? null : new URL(base_url);
	const server = url === null ? "" : url.origin + url.pathname;
	const maker = provider === "workers-ai" ? (model.split("/")[0] ?? "") : "";
	return [provider, server, gateway, maker, api_key_secret].filter((part) => part !== "").join(" ");
}

/** The lane in which `model` is asked; null: no route serves it. */
export function laneFor(routes: readonly ModelRoute[], model: string): string | null {
	const route = routeFor(routes, model);
	return route === null ? null : laneOf(route, model);
}

/** What is throttled together: one model in its lane. */
export function modelKeyOf(lane: string, model: string): string {
	return `${lane}|${model}`;
}

/** What the next call of a job depends on. In SQL: `KEYS_OF_JOB`. */
export function keysOf(job: { lane: string; model: string }): string[] {
	return [job.lane, modelKeyOf(job.lane, job.model)];
}
