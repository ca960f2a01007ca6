/**
 * The service as `npm start` runs it, started once for all the files of this project: on a free port, with state of its
 * own, and with routes to a provider that each file opens and scripts for itself.
 */
import type { TestProject } from "vitest/node";
import { freePort } from "../../support/ports.ts";
import { startTemporaryService } from "./temporary-service.ts";

declare module "vitest" {
	interface ProvidedContext {
		service: { url: string; key: string; adminToken: string; stateDir: string; providerPort: number };
	}
}

/** The credential that the routes send: the provider tells by it which route was taken. */
export const PROVIDER_KEYS = { SCRIPTED_KEY: "sk-scripted-0123456789", UNPAID_KEY: "sk-unpaid-0123456789" };

export default async function startService(project: TestProject): Promise<() => Promise<void>> {
	const providerPort = await freePort();
	const { stop, ...service } = await startTemporaryService({
		...PROVIDER_KEYS,
		MODEL_ROUTES: JSON.stringify(routesTo(`http://127.0.0.1:${providerPort}/v1`)),
		SWEEP_SECONDS: "1",
		HEARTBEAT_SECONDS: "1",
	});
	project.provide("service", { ...service, providerPort });
	return stop;
}

/** Models named `unpaid/…` are asked with a credential of their own: what blocks them blocks no other model. */
function routesTo(base_url: string) {
	const route = { provider: "openai-compatible", base_url };
	return [
		{ ...route, match: "unpaid/*", api_key_secret: "UNPAID_KEY" },
		{ ...route, match: "scripted/*", api_key_secret: "SCRIPTED_KEY" },
	];
}
