/**
 * The service as `npm start` runs it, started once for all the files of this project: on a free port, with state of its
 * own, and with routes to a provider that each file opens and scripts for itself.
 */
import type { TestProject } from "vitest/node";
import { freePort } from "../../support/ports.ts";
import { startTemporaryService } from "./temporary-service.ts";

declare module "vitest" {
	interface ProvidedContext {
		service: {
			url: string;
			key: string;
			adminToken: string;
			stateDir: string;
			providerPort: number;
			gatewayPort: number;
		};
	}
}

/** The credential that the routes send: the provider tells by it which route was taken. */
export const PROVIDER_KEYS = { SCRIPTED_KEY: "sk-scripted-0123456789", UNPAID_KEY: "sk-unpaid-0123456789" };

export default async function startService(project: TestProject): Promise<() => Promise<void>> {
	const [providerPort, gatewayPort] = [await freePort(), await freePort()];
	const providerUrl = `http://127.0.0.1:${providerPort}/v1`;
	const { stop, ...service } = await startTemporaryService({
		...PROVIDER_KEYS,
		MODEL_ROUTES: JSON.stringify(routesTo(providerUrl, `http://127.0.0.1:${gatewayPort}/v1`)),
		PORTKEY_CONFIG: JSON.stringify({
			provider: "openai",
			custom_host: providerUrl,
			api_key: PROVIDER_KEYS.SCRIPTED_KEY,
		}),
		SWEEP_SECONDS: "1",
		HEARTBEAT_SECONDS: "1",
	});
	project.provide("service", { ...service, providerPort, gatewayPort });
	return stop;
}

/** Models named `unpaid/…` are asked with a credential of their own: what blocks them blocks no other model. `gateway/…`
 * are asked through a gateway. The default model is simulated. */
function routesTo(base_url: string, gatewayUrl: string) {
	const route = { provider: "openai-compatible", base_url };
	return [
		{ ...route, match: "unpaid/*", api_key_secret: "UNPAID_KEY" },
		{ ...route, match: "scripted/*", api_key_secret: "SCRIPTED_KEY" },
		{ ...route, match: "gateway/*", base_url: gatewayUrl, headers: { "x-portkey-config": "PORTKEY_CONFIG" } },
		{ match: "openai/*", provider: "simulated" },
	];
}
