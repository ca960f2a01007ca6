import { describe, expect, it } from "vitest";
import { breakerKeysOf, credentialFor } from "../../../../../shared/core/upstreams/credentials.ts";
import { ModelRoutesSchema } from "../../../../../shared/core/upstreams/model-routes.ts";

const routes = ModelRoutesSchema.parse([
	{ match: "gpt-*", provider: "openai-compatible", base_url: "https://api.test/v1?token=t", api_key_secret: "ONE" },
	{ match: "mini-*", provider: "openai-compatible", base_url: "https://api.test/v1", api_key_secret: "ONE" },
	{ match: "other-*", provider: "openai-compatible", base_url: "https://api.test/v1", api_key_secret: "TWO" },
	{
		...{ match: "azure-*", provider: "openai-compatible", base_url: "https://api.test/v1", api_key_secret: "ONE" },
		headers: { "X-Region": "REGION", "Api-Key": "AZURE_KEY" },
	},
	{ match: "*/*", provider: "workers-ai", gateway: "main" },
]);

describe("a credential", () => {
	it("is shared by models that are asked with one credential, and by no others", () => {
		expect(credentialFor(routes, "gpt-5")).toBe(credentialFor(routes, "mini-5"));
		expect(credentialFor(routes, "gpt-5")).not.toBe(credentialFor(routes, "other-5"));
	});

	it("of a gateway is each maker's own", () => {
		expect(credentialFor(routes, "openai/gpt-5.5")).toBe(credentialFor(routes, "openai/gpt-5.5-nano"));
		expect(credentialFor(routes, "openai/gpt-5.5")).not.toBe(credentialFor(routes, "anthropic/claude"));
	});

	it("names a secret and never tells one", () => {
		expect(credentialFor(routes, "gpt-5")).toBe("openai-compatible https://api.test/v1 ONE");
	});

	it("has a route's headers by their names and the names of their secrets", () => {
		expect(credentialFor(routes, "azure-5")).toBe(
			"openai-compatible https://api.test/v1 ONE api-key:AZURE_KEY x-region:REGION",
		);
	});

	it("is null where no route serves the model", () => {
		expect(credentialFor(routes, "unknown")).toBeNull();
	});

	it("and the model in it are what a job's next call depends on", () => {
		expect(breakerKeysOf({ tenantId: "t", credential: "simulated", model: "m" })).toEqual([
			"own:t|credential:simulated",
			"own:t|model:simulated|m",
			"credential:simulated",
			"model:simulated|m",
		]);
	});
});
