/** Every part of the API is built with the same environment and the same response to invalid requests. */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { IntakeEnv } from "../services.ts";
import { refuseInvalid, refuseInvalidOfDoor } from "./errors.ts";

/** On every response, besides `x-request-id`. Keys do not belong in browsers: no CORS headers unless configured. */
export const RESPONSE_HEADERS = {
	"cache-control": "no-store",
	"content-security-policy": "default-src 'none'; frame-ancestors 'none'",
	"cross-origin-resource-policy": "same-origin",
	"referrer-policy": "no-referrer",
	// A year, for this host only: its subdomains may belong to others. Browsers ignore it over http.
	"strict-transport-security": "max-age=31536000",
	"x-content-type-options": "nosniff",
};

/** For OpenAI-compatible routes. */
export function newDoor(): OpenAPIHono<IntakeEnv> {
	return new OpenAPIHono<IntakeEnv>({ defaultHook: refuseInvalidOfDoor });
}

export function newApp(): OpenAPIHono<IntakeEnv> {
	return new OpenAPIHono<IntakeEnv>({ defaultHook: refuseInvalid });
}
