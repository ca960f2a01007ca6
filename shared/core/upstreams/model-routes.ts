/** Which provider serves which model: `MODEL_ROUTES`, parsed once, first match wins. */
import { z } from "zod";
import { ALLOWABLE } from "./refused-fields.ts";
import { RouteHeaders, SecretName } from "./route-secrets.ts";

export const PROVIDERS = ["workers-ai", "openai-compatible", "simulated"] as const;
export type ProviderName = (typeof PROVIDERS)[number];

const MODEL_NAME_LENGTH_MAX = 256;

export const ModelName = z.string().min(1).max(MODEL_NAME_LENGTH_MAX);

/** `auto`: requested where the model is known to take it, and no more once it is refused. `never`: not even for a job that requests it. */
const Requested = z.enum(["auto", "never"], { error: "must be auto or never" });

const Stream = z.union([Requested, z.boolean().transform((may) => (may ? "auto" : "never"))], {
	error: "must be auto or never",
});

const LISTED_MAX = 1_000;

export const ModelRouteSchema = z
	.strictObject({
		/** A model name in which `*` stands for any run of characters, `/` too. */
		match: ModelName,
		provider: z.enum(PROVIDERS),
		base_url: z
			.url({ protocol: /^https?$/ })
			.refine(hasNoCredentials, {
				error: "must not hold a user name or a password: name a secret in api_key_secret or headers instead",
			})
			.optional(),
		/** Names the secret that holds the key; the key itself is never in a variable. */
		api_key_secret: SecretName.optional(),
		/** Further headers, by the names of the secrets that hold them. */
		headers: RouteHeaders.optional(),
		/** The gateway that `workers-ai` calls go through. */
		gateway: z.string().min(1).optional(),
		/** Whether that gateway logs calls, prompts and responses included. No erasure here reaches its logs. Off by default. */
		collect_log: z.boolean().optional(),
		/** `true` and `false` are `auto` and `never`. */
		stream: Stream.optional(),
		/** `never`: its server refuses `stream_options`, and gets none. */
		stream_options: Requested.optional(),
		/** Whether its models are sent their earlier thoughts, which a caller of the Responses API repeats. Off by default. */
		reasoning_content: z.boolean().optional(),
		/** Models to list for callers, besides a `match` without stars. */
		list: z.array(ModelName).max(LISTED_MAX).optional(),
		/** What the inputs of its jobs may have although it is refused by default. */
		allow: z.array(z.enum(ALLOWABLE)).optional(),
		/** The model name to send upstream. The job keeps the caller's name. */
		rename: ModelName.optional(),
	})
	.superRefine(({ provider, base_url, api_key_secret, headers }, context) => {
		const refuse = (member: string, message: string) => context.addIssue({ code: "custom", path: [member], message });
		if (provider === "openai-compatible") {
			if (base_url === undefined) refuse("base_url", "an openai-compatible route needs a base_url");
			if (api_key_secret !== undefined && headers?.authorization !== undefined)
				refuse("headers", "has an authorization header, which api_key_secret sets");
		} else {
			// It would silently not be sent.
			const unsent = `is for openai-compatible routes only: a ${provider} route sends none`;
			if (api_key_secret !== undefined) refuse("api_key_secret", unsent);
			if (headers !== undefined) refuse("headers", unsent);
		}
	});

export type ModelRoute = z.infer<typeof ModelRouteSchema>;

export const ModelRoutesSchema = z
	.array(ModelRouteSchema)
	.min(1)
	.superRefine((routes, context) => {
		for (const [at, route] of routes.entries())
			for (const [nth, name] of route.list?.entries() ?? [])
				if (routeFor(routes, name) !== route)
					context.addIssue({
						code: "custom",
						path: [at, "list", nth],
						message: "is a model that another route serves, or none",
					});
	});

/** Where ALLOW_SIMULATED is true, it comes before those of MODEL_ROUTES. */
export const SIMULATED_ROUTE: ModelRoute = { match: "simulated/*", provider: "simulated" };

/** The route that serves `model`; null if none does: the job is refused at submission. */
export function routeFor(routes: readonly ModelRoute[], model: string): ModelRoute | null {
	return routes.find((route) => matches(route.match, model)) ?? null;
}

/** Models that callers are shown: the default one, and those that routes name. */
export function listedModels(routes: readonly ModelRoute[], defaultModel: string): string[] {
	const named = routes.flatMap(({ match, list = [] }) => [...(match.includes("*") ? [] : [match]), ...list]);
	return [...new Set([defaultModel, ...named])];
}

/** What the routes of all `models` allow: a job may call each of them. */
export function allowedBy(routes: readonly ModelRoute[], models: readonly string[]): string[] {
	return ALLOWABLE.filter((name) => models.every((model) => routeFor(routes, model)?.allow?.includes(name)));
}

/** `fetch` sends none of a URL. What is no URL has none. */
export function hasNoCredentials(text: string): boolean {
	const url = URL.parse(text);
	return url === null || (url.username === "" && url.password === "");
}

/** Wildcard match without backtracking: each piece between stars is searched for after the previous one. */
export function matches(pattern: string, name: string): boolean {
	const [head = "", ...rest] = pattern.split("*");
	if (rest.length === 0) return name === pattern;
	const tail = rest.pop() ?? "";
	if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return false;
	let from = head.length;
	for (const piece of rest) {
		const at = name.indexOf(piece, from);
		if (at < 0) return false;
		from = at + piece.length;
	}
	return from <= name.length - tail.length;
}
