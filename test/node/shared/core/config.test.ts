import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../../shared/core/config.ts";

const SECRET = "s".repeat(43);
const NOT_RANDOM = "must be at least 32 random bytes in base64: openssl rand -base64 32";
const LEAST = {
	DEFAULT_MODEL: "simulated/echo",
	MODEL_ROUTES: '[{"match":"*","provider":"simulated"}]',
	ADMIN_TOKEN: "a".repeat(32),
	SIGNING_KEY: SECRET,
};

const parse = (vars: Record<string, unknown> = {}) => parseConfig({ ...LEAST, ...vars });

/** What is wrong with the one variable that `vars` sets. */
function problemOf(vars: Record<string, unknown>): string {
	const parsed = parse(vars);
	return parsed.ok ? "" : parsed.problems.join("; ");
}

describe("parseConfig", () => {
	it("needs four things and has defaults for the rest", () => {
		expect(parse()).toEqual({
			ok: true,
			config: {
				defaultModel: "simulated/echo",
				modelRoutes: [{ match: "*", provider: "simulated" }],
				modelPrices: [],
				allowSimulated: false,
				publicUrl: null,
				allowInsecureWebhooks: false,
				webhookDnsUrl: "https://cloudflare-dns.com/dns-query",
				ownUrls: [],
				corsOrigins: [],
				resultLinkMs: 86_400_000,
				acceptsPreviousLinks: true,
				leaseMs: 90_000,
				heartbeatMs: 30_000,
				streamIdleMs: 120_000,
				deliveryScheduleMs: [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((s) => s * 1000),
				webhookLimit: { atOnce: 5, aSecond: 10 },
				logLevel: "info",
				adminTokens: [LEAST.ADMIN_TOKEN],
				signingKeys: [SECRET],
			},
		});
	});

	it("reads every setting, and ignores what is not its own", () => {
		const previous = "p".repeat(32);
		const parsed = parse({
			PUBLIC_URL: "https://jobs.example.com//",
			ALLOW_INSECURE_WEBHOOKS: "true",
			WEBHOOK_DNS_URL: "https://dns.example.com/resolve?ct=json",
			CORS_ORIGINS: "https://app.example.com, http://localhost:3000",
			RESULT_LINK_SECONDS: "3600",
			LINKS_OF_PREVIOUS_KEY: "false",
			LEASE_SECONDS: "2",
			HEARTBEAT_SECONDS: "0.5",
			DELIVERY_SCHEDULE_SECONDS: "0, 1,2.5",
			LOG_LEVEL: "debug",
			SIGNING_KEY_PREVIOUS: previous,
			ADMIN_TOKEN_PREVIOUS: previous,
			SWEEP_SECONDS: "5",
			DB: {},
		});
		expect(parsed.ok && parsed.config).toMatchObject({
			publicUrl: "https://jobs.example.com",
			allowInsecureWebhooks: true,
			webhookDnsUrl: "https://dns.example.com/resolve?ct=json",
			corsOrigins: ["https://app.example.com", "http://localhost:3000"],
			resultLinkMs: 3_600_000,
			acceptsPreviousLinks: false,
			leaseMs: 2_000,
			heartbeatMs: 500,
			deliveryScheduleMs: [0, 1_000, 2_500],
			logLevel: "debug",
			signingKeys: [SECRET, previous],
			adminTokens: [LEAST.ADMIN_TOKEN, previous],
		});
	});

	it("takes an empty PUBLIC_URL for none", () => {
		const parsed = parse({ PUBLIC_URL: "" });
		expect(parsed.ok && parsed.config.publicUrl).toBeNull();
	});

	it("asks no DNS only where WEBHOOK_DNS_URL is empty, not where it is missing", () => {
		const [empty, missing] = [parse({ WEBHOOK_DNS_URL: "" }), parse({ WEBHOOK_DNS_URL: undefined })];
		expect([empty.ok && empty.config.webhookDnsUrl, missing.ok && missing.config.webhookDnsUrl]).toEqual([
			null,
			"https://cloudflare-dns.com/dns-query",
		]);
	});

	it.each(Object.keys(LEAST))("names %s when it is missing", (name) => {
		expect(problemOf({ [name]: undefined })).toBe(`${name} is not set`);
	});

	it("names everything that is wrong at once", () => {
		const parsed = parseConfig({});
		expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.split(" ")[0])).toEqual([
			"DEFAULT_MODEL",
			"MODEL_ROUTES",
			"ADMIN_TOKEN",
			"SIGNING_KEY",
		]);
	});

	it.each([
		[{ DEFAULT_MODEL: "" }, "DEFAULT_MODEL is empty"],
		[{ MODEL_ROUTES: "{" }, "MODEL_ROUTES is not valid JSON"],
		[{ MODEL_ROUTES: "[]" }, "MODEL_ROUTES"],
		[
			{ MODEL_ROUTES: '[{"match":"*","provider":"openai-compatible"}]' },
			"MODEL_ROUTES.0.base_url an openai-compatible",
		],
		[{ MODEL_ROUTES: '[{"match":"*","provider":"magic"}]' }, "MODEL_ROUTES.0.provider"],
		[{ PUBLIC_URL: "jobs.example.com" }, "PUBLIC_URL must be an https URL"],
		[
			{ PUBLIC_URL: "http://jobs.example.com" },
			"PUBLIC_URL must be an https URL, because links in webhooks begin with it",
		],
		[{ PUBLIC_URL: "ftp://jobs.example.com" }, "PUBLIC_URL must be an https URL"],
		...["PUBLIC_URL", "WEBHOOK_DNS_URL"].map((name): [Record<string, unknown>, string] => [
			{ [name]: "https://user:hunter2@jobs.example.com" },
			`${name} must not hold a user name or a password`,
		]),
		[{ ALLOW_INSECURE_WEBHOOKS: "yes" }, "ALLOW_INSECURE_WEBHOOKS must be true or false"],
		[{ WEBHOOK_DNS_URL: "1.1.1.1" }, "WEBHOOK_DNS_URL must be an http(s) URL, or empty"],
		...[
			"*",
			"null",
			"https://*.example.com/",
			"https://a.example.com/",
			"app.example.com",
			"https://A.example.com",
		].map((origin): [Record<string, unknown>, string] => [
			{ CORS_ORIGINS: `https://app.example.com,${origin}` },
			"CORS_ORIGINS.1 must be an origin such as https://app.example.com (comma-separated list)",
		]),
		[{ RESULT_LINK_SECONDS: "1 day" }, "RESULT_LINK_SECONDS must be a number of seconds"],
		[{ RESULT_LINK_SECONDS: "59" }, "RESULT_LINK_SECONDS must be at least 60 seconds"],
		[{ LEASE_SECONDS: "" }, "LEASE_SECONDS must be at least 1 seconds"],
		[{ LEASE_SECONDS: "601" }, "LEASE_SECONDS must be at most 600 seconds"],
		[{ LEASE_SECONDS: "50" }, "HEARTBEAT_SECONDS must be at most half of LEASE_SECONDS"],
		[{ DELIVERY_SCHEDULE_SECONDS: "0,soon" }, "DELIVERY_SCHEDULE_SECONDS.1 must be a number of seconds"],
		[{ DELIVERY_SCHEDULE_SECONDS: "" }, "DELIVERY_SCHEDULE_SECONDS.0 must be a number of seconds"],
		[{ DELIVERY_SCHEDULE_SECONDS: "0,,5" }, "DELIVERY_SCHEDULE_SECONDS.1 must be a number of seconds"],
		[{ DELIVERY_SCHEDULE_SECONDS: "-1" }, "DELIVERY_SCHEDULE_SECONDS.0"],
		[{ OWN_HOSTS: "jobs.example.com,https://a.example.com" }, "OWN_HOSTS.1 must be host names"],
		...["5", "5,10,15", "0,10", "5,many", ""].map((limit): [Record<string, unknown>, string] => [
			{ WEBHOOK_LIMIT: limit },
			"WEBHOOK_LIMIT",
		]),
		[{ LOG_LEVEL: "loud" }, "LOG_LEVEL must be one of debug, info, warn, error"],
		[{ ADMIN_TOKEN: "short" }, "ADMIN_TOKEN must have at least 32 characters"],
		[{ SIGNING_KEY: "a passphrase, however long it may be, is not random" }, `SIGNING_KEY ${NOT_RANDOM}`],
		[{ SIGNING_KEY: "c2hvcnQ=".repeat(4) }, `SIGNING_KEY ${NOT_RANDOM}`],
		[{ ADMIN_TOKEN_PREVIOUS: "short" }, "ADMIN_TOKEN_PREVIOUS must have at least 32 characters"],
		[{ SIGNING_KEY_PREVIOUS: "short" }, "SIGNING_KEY_PREVIOUS must have at least 32 characters"],
	])("says in plain words what is wrong: %j", (vars, problem) => {
		expect(problemOf(vars)).toContain(problem);
	});

	it("names each secret of a route that is not set or fits in no header, by its place", () => {
		const route = { match: "*", provider: "openai-compatible", base_url: "https://a.example.com" };
		const MODEL_ROUTES = JSON.stringify([
			{ ...route, match: "a", api_key_secret: "hunter2" },
			{
				...route,
				match: "b",
				api_key_secret: "DB",
				headers: { "x-a": "GOOD", "x-b": "BLANK", "x-c": "TORN", "x-d": "WIDE" },
			},
			{ ...route, match: "c", api_key_secret: "toString" },
			{ ...route, api_key_secret: "GOOD" },
		]);
		const torn = "holds what no header may have, such as a line break";
		expect(parse({ MODEL_ROUTES, DB: {}, GOOD: "sk-1\n", BLANK: " \n", TORN: "hunter2\nx", WIDE: "hünter2" })).toEqual({
			ok: false,
			problems: [
				"MODEL_ROUTES.0.api_key_secret names a secret that is not set",
				"MODEL_ROUTES.1.api_key_secret names a secret that is not set",
				"MODEL_ROUTES.1.headers header 2 names a secret that is not set",
				`MODEL_ROUTES.1.headers header 3 names a secret that ${torn}`,
				`MODEL_ROUTES.1.headers header 4 names a secret that ${torn}`,
				"MODEL_ROUTES.2.api_key_secret names a secret that is not set",
			],
		});
	});

	it.each(["ADMIN_TOKEN", "SIGNING_KEY", "SIGNING_KEY_PREVIOUS", "MODEL_ROUTES", "PUBLIC_URL"])(
		"never shows the value of %s",
		(name) => {
			const problem = problemOf({ [name]: "hunter2" });
			expect(problem).toContain(name);
			expect(problem).not.toContain("hunter2");
		},
	);
});
