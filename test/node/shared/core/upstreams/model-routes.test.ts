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
	const COMPATIBLE = { match: "*", provider: "openai-compatible", base_url: "https://a.example.com" };
	const OWN = ["ADMIN_TOKEN", "ADMIN_TOKEN_PREVIOUS", "SIGNING_KEY", "SIGNING_KEY_PREVIOUS"];

	it.each<[string, ...object[]]>([
		[""],
		["0.match", { match: "", provider: "simulated" }],
		["0.provider", { match: "*", provider: "magic" }],
		["0", { match: "*", provider: "simulated", key: "sk-secret" }],
		["0.base_url", { match: "*", provider: "openai-compatible" }],
		["0.base_url", { ...COMPATIBLE, base_url: "ftp://host" }],
		["0.collect_log", { match: "*", provider: "workers-ai", collect_log: "payload" }],
		["0.stream", { match: "*", provider: "workers-ai", stream: "no" }],
		["0.stream_options", { ...COMPATIBLE, stream_options: false }],
		["0.allow.0", { match: "*", provider: "workers-ai", allow: ["messages"] }],
		...OWN.map((api_key_secret): [string, object] => ["0.api_key_secret", { ...COMPATIBLE, api_key_secret }]),
		...OWN.map((name): [string, object] => ["0.headers", { ...COMPATIBLE, headers: { "x-key": name } }]),
		["0.list.1", { ...COMPATIBLE, match: "a/*", list: ["a/1", "b/1"] }],
		["1.list.0", { ...COMPATIBLE, match: "a/*" }, { ...COMPATIBLE, list: ["a/1"] }],
		["0.list.0", { ...COMPATIBLE, list: [""] }],
		["0.list", { ...COMPATIBLE, list: "a" }],
	])("refuses at %s what no route can be", (path, ...routes) => {
		const { error } = ModelRoutesSchema.safeParse(routes);
		expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
	});

	it.each<[object, string]>([
		[{ "api key": "A" }, "has a name that is not an HTTP header's"],
		[{ "": "A" }, "has a name that is not an HTTP header's"],
		[{ "x\nhost": "A" }, "has a name that is not an HTTP header's"],
		[{ schlüssel: "A" }, "has a name that is not an HTTP header's"],
		...["Content-Type", "ACCEPT", "user-agent", "Host", "Content-Length", "Transfer-Encoding", "connection"].map(
			(name): [object, string] => [{ [name]: "A" }, "is one that the service sets itself"],
		),
		[{ "x-key": 1 }, "must be the name of a secret"],
		[{ "x-key": "" }, "must be the name of a secret"],
		[{ "x-key": null }, "must be the name of a secret"],
	])("refuses the headers %j without quoting them", (header, why) => {
		const { error } = ModelRoutesSchema.safeParse([{ ...COMPATIBLE, headers: { "x-a": "A", ...header } }]);
		expect(error?.issues).toMatchObject([{ path: [0, "headers"], message: `header 2 ${why}` }]);
	});

	it("refuses a header twice, whatever its letters, and an authorization header beside a key", () => {
		const refusal = (route: object) =>
			ModelRoutesSchema.safeParse([{ ...COMPATIBLE, ...route }]).error?.issues.map(({ message }) => message);
		expect(refusal({ headers: { "X-Key": "A", "x-key": "B" } })).toEqual(["header 2 is there twice"]);
		expect(refusal({ headers: { Authorization: "A" }, api_key_secret: "B" })).toEqual([
			"has an authorization header, which api_key_secret sets",
		]);
		expect(refusal({ headers: { Authorization: "A" } })).toBe(undefined);
	});

	it.each(["hunter2:hunter2", "hunter2", ":hunter2", "us%40er:hunter2"])(
		"refuses %s in a URL, and what a route of another provider would not send, by name",
		(credentials) => {
			const base_url = `https://${credentials}@a.example.com/v1`;
			const { error } = ModelRoutesSchema.safeParse([
				{ ...COMPATIBLE, base_url },
				{ match: "a", provider: "workers-ai", api_key_secret: "hunter2" },
				{ match: "b", provider: "simulated", headers: { "x-key": "hunter2" } },
			]);
			expect(error?.issues.map(({ path }) => path.join("."))).toEqual(["0.base_url", "1.api_key_secret", "2.headers"]);
			expect(error?.issues[0]?.message).toContain("api_key_secret or headers");
			expect(JSON.stringify(error?.issues)).not.toContain("hunter2");
		},
	);

	it("takes every setting", () => {
		const route = {
			match: "ollama/*",
			provider: "openai-compatible",
			base_url: "http://127.0.0.1:11434/v1?api-version=1",
			api_key_secret: "OLLAMA_KEY",
			headers: { "Api-Key": "AZURE_KEY", "x-portkey-config": "PORTKEY_CONFIG" },
			gateway: "default",
			collect_log: true,
			stream: false,
			stream_options: "never",
			reasoning_content: true,
			list: ["ollama/llama3"],
			allow: ["provider", "private_urls"],
			rename: "llama3",
		};
		const headers = { "api-key": "AZURE_KEY", "x-portkey-config": "PORTKEY_CONFIG" };
		expect(ModelRoutesSchema.parse([route])).toEqual([{ ...route, headers, stream: "never" }]);
		for (const [given, stream] of Object.entries({ auto: "auto", never: "never" }))
			expect(ModelRoutesSchema.parse([{ ...route, stream: given }])).toMatchObject([{ stream }]);
		expect(ModelRoutesSchema.parse([{ ...route, stream: true }])).toMatchObject([{ stream: "auto" }]);
	});
});
