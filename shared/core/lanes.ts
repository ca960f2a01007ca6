/** Lanes: what is blocked together. Models asked with one credential share a lane. */
import { type ModelRoute, routeFor } from "./model-routes.ts";

/** Names the credential that calls of `route` use, and never tells it. */
export function laneOf(route: ModelRoute): string {
	const { provider, base_url = "", gateway = "", api_key_secret = "" } = route;
	return [provider, base_url, gateway, api_key_secret].filter((part) => part !== "").join(" ");
}

/** The lane in which `model` is asked; null: no route serves it. */
export function laneFor(routes: readonly ModelRoute[], model: string): string | null {
	const route = routeFor(routes, model);
	return route === null ? null : laneOf(route);
}

/** What is throttled together: one model in its lane. */
export function modelKeyOf(lane: string, model: string): string {
	return `${lane}|${model}`;
}

/** What the next call of a job depends on. In SQL: `KEYS_OF_JOB`. */
export function keysOf(job: { lane: string; model: string }): string[] {
	return [job.lane, modelKeyOf(job.lane, job.model)];
}
