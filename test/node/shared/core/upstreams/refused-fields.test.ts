import { describe, expect, it } from "vitest";
import { allowedBy, type ModelRoute } from "../../../../../shared/core/upstreams/model-routes.ts";
import { privateUrlIn, routingFieldIn } from "../../../../../shared/core/upstreams/refused-fields.ts";
import { isPublicHost } from "../../../../../shared/core/webhooks/webhook-address.ts";

describe("a field that routes or authenticates", () => {
	it.each(["models", "fallbacks", "api_base", "api_key", "user_config", "extra_headers", "kv_transfer_params"])(
		"is refused: %s",
		(field) => {
			const isIn = (name: string) => name === field;
			expect([routingFieldIn(isIn, []), routingFieldIn(isIn, [field])]).toEqual([field, null]);
		},
	);

	it("passes where all routes of a job allow it, and fields of a plain chat completion always do", () => {
		const routes: ModelRoute[] = [
			{ match: "a", provider: "workers-ai", allow: ["models", "private_urls"] },
			{ match: "b", provider: "workers-ai", allow: ["models"] },
			{ match: "*", provider: "workers-ai" },
		];
		const allowed = [["a"], ["a", "b"], ["a", "b", "c"]].map((models) => allowedBy(routes, models));
		expect(allowed).toEqual([["models", "private_urls"], ["models"], []]);
		const plain = ["messages", "model", "metadata", "user", "store", "service_tier", "tools", "seed", "simulate"];
		expect(routingFieldIn((name) => plain.includes(name), [])).toBeNull();
	});
});

describe("an address in a message", () => {
	const pathOf = (content: unknown, allowed: string[] = []) => privateUrlIn([{ content }], allowed, isPublicHost);
	const image = (url: string) => [{ type: "image_url", image_url: { url } }];

	it.each([
		"http://169.254.169.254/latest/meta-data",
		"HTTPS://127.1/",
		" http://[::1]:8080/",
		"http://0x7f.1/x",
		"http://localhost./x",
		"http://vault/x",
		"http://metadata.google.internal/",
		"file:///etc/passwd",
	])("is refused inside a network, and a route may allow it: %s", (url) => {
		expect(pathOf(image(url))).toBe("messages.0.content.0.image_url.url");
		expect(pathOf([{ type: "video_url", video_url: url }])).toBe("messages.0.content.0.video_url");
		expect(pathOf(image(url), ["private_urls"])).toBeNull();
	});

	it.each([
		"https://images.example.com/x.png",
		"https://8.8.8.8/x",
		"data:image/png;base64,AAAA",
		"http://",
		"cat.png",
	])("passes elsewhere: %s", (url) => expect(pathOf(image(url))).toBeNull());

	it("is plain text in a text", () => {
		expect(pathOf("see http://localhost/")).toBeNull();
		expect(pathOf([{ type: "text", text: "http://localhost/" }])).toBeNull();
	});
});
