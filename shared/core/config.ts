/** The configuration: variables and secrets, parsed once. Each problem names its variable. */
import { z } from "zod";
import { type ModelPrices, ModelPricesSchema } from "./model-prices.ts";
import { hasNoCredentials, type ModelRoute, ModelRoutesSchema, SIMULATED_ROUTE } from "./upstreams/model-routes.ts";
import { problemsOfSecrets } from "./upstreams/route-secrets.ts";
import type { HostLimit } from "./webhooks/host-limits.ts";
import { isLoopbackHost } from "./webhooks/webhook-address.ts";

const SECONDS_PER_DAY = 86_400;

/** What is logged, from everything to failures only. Each level includes those after it. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const seconds = (min: number, max: number) =>
	z.coerce
		.number({ error: "must be a number of seconds" })
		.min(min, { error: `must be at least ${min} seconds` })
		.max(max, { error: `must be at most ${max} seconds` });

const flag = z.enum(["true", "false"], { error: "must be true or false" }).default("false");

const secret = z.string({ error: "is not set" }).min(32, { error: "must have at least 32 characters" });

/** An offline guess of a passphrase could be checked with a single result link. */
const randomKey = z.string({ error: "is not set" }).regex(/^[\w+/-]{43,}={0,2}$/, {
	error: "must be at least 32 random bytes in base64: openssl rand -base64 32",
});

const json = z.string({ error: "is not set" }).transform((text, context) => {
	try {
		return JSON.parse(text) as unknown;
	} catch {
		context.addIssue({ code: "custom", message: "is not valid JSON" });
		return z.NEVER;
	}
});

/** As a browser sends them in `Origin`: exact, never a pattern. */
const origins = z
	.string()
	.transform((list) => list.split(",").flatMap((origin) => origin.trim() || []))
	.pipe(
		z.array(
			z.string().refine((text) => /^https?:\/\/[^/]+$/.test(text) && URL.parse(text)?.origin === text, {
				error: "must be an origin such as https://app.example.com (comma-separated list)",
			}),
		),
	);

const hosts = z
	.string()
	.transform((list) => list.split(",").flatMap((host) => host.trim() || []))
	.pipe(
		z.array(
			z.string().refine((host) => URL.parse(`https://${host}`)?.hostname === host, {
				error: "must be host names such as jobs.example.com (comma-separated list)",
			}),
		),
	);

const HOLDS_CREDENTIALS = "must not hold a user name or a password";

const Schema = z.object({
	DEFAULT_MODEL: z.string({ error: "is not set" }).min(1, { error: "is empty" }),
	MODEL_ROUTES: json.pipe(ModelRoutesSchema),
	MODEL_PRICES: json.default([]).pipe(ModelPricesSchema),
	PUBLIC_URL: z
		.union([z.literal(""), z.url({ protocol: /^https?$/, error: "must be an https URL" })])
		.refine((url) => !url.startsWith("http:") || isLoopbackHost(new URL(url).hostname), {
			error: "must be an https URL, because links in webhooks begin with it",
		})
		.refine(hasNoCredentials, { error: HOLDS_CREDENTIALS })
		.default(""),
	ALLOW_INSECURE_WEBHOOKS: flag,
	ALLOW_SIMULATED: flag,
	WEBHOOK_DNS_URL: z
		.union([z.literal(""), z.url({ protocol: /^https?$/, error: "must be an http(s) URL, or empty" })])
		.refine(hasNoCredentials, { error: HOLDS_CREDENTIALS })
		.default("https://cloudflare-dns.com/dns-query"),
	OWN_HOSTS: hosts.default([]),
	CORS_ORIGINS: origins.default([]),
	RESULT_LINK_SECONDS: seconds(60, 30 * SECONDS_PER_DAY).default(SECONDS_PER_DAY),
	LINKS_OF_PREVIOUS_KEY: z.enum(["true", "false"], { error: "must be true or false" }).default("true"),
	LEASE_SECONDS: seconds(1, 600).default(90),
	HEARTBEAT_SECONDS: seconds(0.2, 300).default(30),
	STREAM_IDLE_SECONDS: seconds(1, 780).default(120),
	DELIVERY_SCHEDULE_SECONDS: z
		.string()
		.default("0,5,300,1800,7200,18000,36000,50400,72000,86400")
		.transform((list) => list.split(",").map((wait) => (wait.trim() === "" ? Number.NaN : Number(wait))))
		.pipe(
			z
				.array(
					z
						.number({ error: "must be a number of seconds (comma-separated list)" })
						.min(0)
						.max(7 * SECONDS_PER_DAY),
				)
				.min(1)
				.max(50),
		),
	WEBHOOK_LIMIT: z
		.string()
		.default("5,10")
		.transform((pair) => pair.split(",").map(Number))
		.pipe(
			z.tuple([z.int().min(1).max(1_000), z.int().min(1).max(100_000)], {
				error: "must be two whole numbers, such as 5,10",
			}),
		),
	LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(", ")}` }).default("info"),
	ADMIN_TOKEN: secret,
	ADMIN_TOKEN_PREVIOUS: secret.optional(),
	SIGNING_KEY: randomKey,
	SIGNING_KEY_PREVIOUS: secret.optional(),
});

export interface Config {
	defaultModel: string;
	/** With the route to the simulated provider first, where that is allowed. */
	modelRoutes: ModelRoute[];
	/** Of models without one, no cost is shown. */
	modelPrices: ModelPrices;
	/** Whether the simulated provider serves calls. */
	allowSimulated: boolean;
	/** The public base URL of this service, without a final slash. Null: the one that the caller used to submit the job. */
	publicUrl: string | null;
	allowInsecureWebhooks: boolean;
	/** The DNS-over-HTTPS resolver (JSON) for the host names of receivers. Null: they are not resolved. */
	webhookDnsUrl: string | null;
	/** Base URLs by which this service can be reached besides, of OWN_HOSTS: no webhook may go there. */
	ownUrls: string[];
	/** Origins whose pages may read our responses. Empty: no CORS headers are sent. */
	corsOrigins: string[];
	resultLinkMs: number;
	/** Whether links that the previous signing key signed still work. False after a leak, because anyone who has the key can sign links. */
	acceptsPreviousLinks: boolean;
	leaseMs: number;
	heartbeatMs: number;
	/** How long a stream may be silent between two pieces of content. */
	streamIdleMs: number;
	/** The wait before each delivery attempt: one attempt per entry. */
	deliveryScheduleMs: number[];
	/** For the webhooks of one tenant to one host. */
	webhookLimit: HostLimit;
	logLevel: LogLevel;
	/** The operator's tokens: the current one, and the previous one while it is replaced. */
	adminTokens: string[];
	/** Encrypt webhook secrets and sign result links. New ones use the first key; all keys are accepted. */
	signingKeys: string[];
}

export type ParsedConfig = { ok: true; config: Config } | { ok: false; problems: string[] };

/** Problems name the variable and what is wrong with it, never its value. */
export function parseConfig(vars: unknown): ParsedConfig {
	const parsed = Schema.safeParse(vars);
	if (!parsed.success) {
		return { ok: false, problems: parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`) };
	}
	const v = parsed.data;
	const allowSimulated = v.ALLOW_SIMULATED === "true";
	if (v.HEARTBEAT_SECONDS * 2 > v.LEASE_SECONDS) {
		return { ok: false, problems: ["HEARTBEAT_SECONDS must be at most half of LEASE_SECONDS"] };
	}
	const problems = problemsOfSecrets(v.MODEL_ROUTES, (name) => Reflect.get(Object(vars), name));
	if (problems.length > 0) return { ok: false, problems };
	return {
		ok: true,
		config: {
			defaultModel: v.DEFAULT_MODEL,
			modelRoutes: [...(allowSimulated ? [SIMULATED_ROUTE] : []), ...v.MODEL_ROUTES],
			modelPrices: v.MODEL_PRICES,
			allowSimulated,
			publicUrl: v.PUBLIC_URL === "" ? null : v.PUBLIC_URL.replace(/\/+$/, ""),
			allowInsecureWebhooks: v.ALLOW_INSECURE_WEBHOOKS === "true",
			webhookDnsUrl: v.WEBHOOK_DNS_URL === "" ? null : v.WEBHOOK_DNS_URL,
			ownUrls: v.OWN_HOSTS.map((host) => `https://${host}`),
			corsOrigins: v.CORS_ORIGINS,
			resultLinkMs: v.RESULT_LINK_SECONDS * 1000,
			acceptsPreviousLinks: v.LINKS_OF_PREVIOUS_KEY === "true",
			leaseMs: v.LEASE_SECONDS * 1000,
			heartbeatMs: v.HEARTBEAT_SECONDS * 1000,
			streamIdleMs: v.STREAM_IDLE_SECONDS * 1000,
			deliveryScheduleMs: v.DELIVERY_SCHEDULE_SECONDS.map((s) => s * 1000),
			webhookLimit: { atOnce: v.WEBHOOK_LIMIT[0], aSecond: v.WEBHOOK_LIMIT[1] },
			logLevel: v.LOG_LEVEL,
			adminTokens: [v.ADMIN_TOKEN, ...(v.ADMIN_TOKEN_PREVIOUS === undefined ? [] : [v.ADMIN_TOKEN_PREVIOUS])],
			signingKeys: [v.SIGNING_KEY, ...(v.SIGNING_KEY_PREVIOUS === undefined ? [] : [v.SIGNING_KEY_PREVIOUS])],
		},
	};
}
