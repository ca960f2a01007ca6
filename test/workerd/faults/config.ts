/** The service that these stories run: two routes to models, a resolver, and a signing key that was replaced. */
import { env } from "cloudflare:workers";
import { DNS_URL } from "../../support/fake-dns.ts";
import { MODEL_SERVER } from "../world/upstreams.ts";
import { configOf } from "../world/world.ts";

/** It has sealed nothing but what a story says. */
export const PREVIOUS_KEY = "p".repeat(40);

export const CONFIG = configOf({
	...env,
	DEFAULT_MODEL: "gateway/one",
	MODEL_ROUTES: JSON.stringify([
		{ match: "gateway/*", provider: "workers-ai" },
		{ match: "server/*", provider: "openai-compatible", base_url: MODEL_SERVER },
	]),
	// A webhook that fails twice goes on within the minute, so that a story waits for fewer sweeps.
	DELIVERY_SCHEDULE_SECONDS: "0,5,20,300,1800",
	WEBHOOK_DNS_URL: DNS_URL,
	SIGNING_KEY_PREVIOUS: PREVIOUS_KEY,
});
