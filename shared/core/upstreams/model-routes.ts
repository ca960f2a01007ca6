/** Which provider serves which model: `MODEL_ROUTES`, parsed once, first match wins. */
import { z } from "zod";
import { ALLOWABLE } from "./refused-fields.ts";

export const PROVIDERS = ["workers-ai", "openai-compatible", "simulated"] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** A route that named one would send it to a provider. */
const OWN_SECRETS: readonly string[] = ["ADMIN_TOKEN", "ADMIN_TOKEN_PREVIOUS", "SIGNING_KEY", "SIGNING_KEY_PREVIOUS"];

const MODEL_NAME_LENGTH_MAX = 256;

export const ModelRouteSchema = z
	.strictObject({
		/** A model name in which `*` stands for any run of characters, `/` too. */
		match: z.string().min(1).max(MODEL_NAME_LENGTH_MAX),
		provider: z.enum(PROVIDERS),
		base_url: z.url({ protocol: /^https?$/ }).optional(),
		/** Names the secret that holds the key; the key itself is never in a variable. */
		api_key_secret: z
			.string()
			.min(1)
			.refine((name) => !OWN_SECRETS.includes(name), { error: "must not be a secret of this service itself" })
			.optional(),
		/** The gateway that `workers-ai` calls go through. */
		gateway: z.string().min(1).optional(),
		/** Whether that gateway logs calls, prompts and responses included. No erasure here reaches its logs. Off by default. */
		collect_log: z.boolean().optional(),
		/** False: its server cannot stream, and is asked for whole responses only, even by jobs that request a stream. */
		stream: z.boolean().optional(),
		/** What the inputs of its jobs may have although it is refused by default. */
		allow: z.array(z.enum(ALLOWABLE)).optional(),
		/** The model name to send upstream. The job keeps the caller's name. */
		rename: z.string().min(1).max(MODEL_NAME_LENGTH_MAX).optional(),
	})
	.refine((route) => route.provider !== "openai-compatible" || route.base_url !== undefined, {
		error: "an openai-compatible route needs a base_url",
		path: ["base_url"],
	});

export type ModelRoute = z.infer<typeof ModelRouteSchema>;

export const ModelRoutesSchema = z.array(ModelRouteSchema).min(1);

/** Where ALLOW_SIMULATED is true, it comes before those of MODEL_ROUTES. */
export const SIMULATED_ROUTE: ModelRoute = { match: "simulated/*", provider: "simulated" };

/** The route that serves `model`; null if none does: the job is refused at submission. */
export function routeFor(routes: readonly ModelRoute[], model: string): ModelRoute | null {
	return routes.find((route) => matches(route.match, model)) ?? null;
}

/** What the routes of all `models` allow: a job may call each of them. */
export function allowedBy(routes: readonly ModelRoute[], models: readonly string[]): string[] {
	return ALLOWABLE.filter((name) => models.every((model) => routeFor(routes, model)?.allow?.includes(name)));
}

/** Wildcard match without backtracking: each piece between stars is searched for after the previous one. */
function matches(pattern: string, name: string): boolean {
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
