/** Shared parts of route descriptions. */
import { z } from "@hono/zod-openapi";
import { ErrorBody } from "../../../shared/api/error.ts";

/** Any text: an invalid id gets the same 404 as an unknown one. */
export const idParams = z.object({ id: z.string() });

/** For routes without query parameters. Unknown ones are refused, not ignored. */
export const noQuery = z.strictObject({});

export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
	required: true,
	content: { "application/json": { schema } },
});

export const optionalJsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
	...jsonBody(schema),
	required: false,
});

/** `{}` or nothing. */
export const emptyBody = optionalJsonBody(z.strictObject({}));

export const jsonResponse = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
	description,
	content: { "application/json": { schema } },
});

export const errorResponse = (description: string) => jsonResponse(description, ErrorBody);

/** The `security` of routes that take ADMIN_TOKEN, or a session that it opened. */
export const BY_OPERATOR = [{ admin: [] }, { operator: [] }];

/** Errors of all routes. */
export const openErrors = {
	400: errorResponse("Invalid request. `param` names the field."),
	403: errorResponse("`https_required`: the request was not encrypted."),
	500: errorResponse("Internal error."),
	503: errorResponse(
		"Storage is unavailable or overloaded (`Retry-After` says when to try again), or the service is not configured.",
	),
};

/** Errors of all admin routes. */
export const adminErrors = {
	...openErrors,
	401: errorResponse("Missing or invalid ADMIN_TOKEN."),
	429: errorResponse("Too many requests without a valid token from this address."),
};

/** Errors of all routes that take an API key. */
export const commonErrors = {
	...openErrors,
	401: errorResponse("Missing or invalid API key."),
	403: errorResponse("The API key lacks the required scope, or `https_required`: the request was not encrypted."),
	429: errorResponse("Limit reached. `RateLimit-Policy` names it; `Retry-After` says when to try again."),
};

/** Errors of all routes with a body. */
export const bodyErrors = {
	413: errorResponse("The body is too large. The message names the limit."),
	415: errorResponse("The body is not `application/json`."),
};
