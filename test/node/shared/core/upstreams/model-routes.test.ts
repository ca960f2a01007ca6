import { describe, expect, it } from "vitest";
import { ModelRoutesSchema, routeFor } from "../../../../../shared/core/upstreams/model-routes.ts";

const serves = (match: string, model: string) => routeFor([{ match, provider: "simulated" }], model) !== null;

describe("routeFor", () => {
	it("takes the first that matches", () => {
		const [first, second] = ModelRoutesSchema.parse([
			{ match: "openai/*", provider: "workers-ai" },
			{ match: "*", provider: "simulated" },
		]);
		expect(
			routeFor(
				[first, second].flatMap((route) => route ?? []),
				"openai/gpt-5.5",
			),
		).toBe(first);
		expect(
			routeFor(
				[first, second].flatMap((route) => route ?? []),
				"other",
			),
		).toBe(second);
	});

	it("is null where none does", () => {
		expect(routeFor([{ match: "openai/*", provider: "simulated" }], "ollama/llama")).toBeNull();
	});

	it.each([
		["*", "any/thing/at-all"],
		["*", ""],
		["ollama/*", "ollama/llama3/8b:latest"],
		["ollama/*", "ollama/"],
		["exact", "exact"],
		["*/gpt", "openai/gpt"],
		["a*b*c", "abc"],
		["a*b*c", "a-b-b-c"],
		["a**c", "ac"],
		["@cf/*", "@cf/meta/llama"],
		["a.b", "a.b"],
	])("%j serves %j", (match, model) => {
		expect(serves(match, model)).toBe(true);
	});

	it.each([
		["ollama/*", "ollama"],
		["ollama/*", "xollama/llama"],
		["exact", "exactly"],
		["exact", "EXACT"],
		["a*b*c", "acb"],
		["a*a", "a"],
		["ab*ba", "aba"],
		["a*b*b", "ab"],
		["a.b", "axb"],
		["?", "x"],
	])("%j does not serve %j", (match, model) => {
		expect(serves(match, model)).toBe(false);
	});

	it("answers at once, whatever the pattern", () => {
		expect(serves(`${"a*".repeat(120)}b`, "a".repeat(256))).toBe(false);
	});
});

describe("ModelRoutesSchema", () => {
	const refuses = (route: object) => expect(ModelRoutesSchema.safeParse([route]).success).toBe(false);

	it("refuses what no route can be", () => {
		expect(ModelRoutesSchema.safeParse([]).success).toBe(false);
		refuses({ match: "", provider: "simulated" });
		refuses({ match: "*", provider: "magic" });
		refuses({ match: "*", provider: "simulated", key: "sk-secret" });
		refuses({ match: "*", provider: "openai-compatible" });
		refuses({ match: "*", provider: "workers-ai", collect_log: "payload" });
		refuses({ match: "*", provider: "workers-ai", stream: "no" });
		refuses({ match: "*", provider: "workers-ai", allow: ["messages"] });
		for (const api_key_secret of ["ADMIN_TOKEN", "ADMIN_TOKEN_PREVIOUS", "SIGNING_KEY", "SIGNING_KEY_PREVIOUS"])
			refuses({ match: "*", provider: "openai-compatible", base_url: "https://a.example.com", api_key_secret });
		refuses({ match: "*", provider: "openai-compatible", base_url: "ftp://host" });
	});

	it("takes every setting", () => {
		const route = {
			match: "ollama/*",
			provider: "openai-compatible",
			base_url: "http://127.0.0.1:11434/v1",
			api_key_secret: "OLLAMA_KEY",
			gateway: "default",
			collect_log: true,
			stream: false,
			allow: ["provider", "private_urls"],
			rename: "llama3",
		};
		expect(ModelRoutesSchema.parse([route])).toEqual([route]);
	});
});
