/** Parts of route descriptions that many routes share. */
import { z } from "@hono/zod-openapi";
import { ErrorBody } from "../../../shared/api/error.ts";

/** An id that was never made is as unknown as another tenant's, so any text will do. */
export const idParams = z.object({ id: z.string() });

/** Of a route without query parameters. Unknown ones are refused rather than ignored. */
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

/** What any route may respond with, besides its own. */
export const openErrors = {
	400: errorResponse("Invalid request. `param` names the field."),
	500: errorResponse("Internal error."),
	503: errorResponse(
		"Storage is unavailable (`Retry-After` says when to try again), or the service is not configured.",
	),
};

/** What any route of the operator may respond with, besides its own. */
export const adminErrors = {
	...openErrors,
	401: errorResponse("Missing or invalid ADMIN_TOKEN."),
	429: errorResponse("Too many requests without a valid token from this address."),
};

/** What any route that takes an API key may respond with, besides its own. */
export const commonErrors = {
	...openErrors,
	401: errorResponse("Missing or invalid API key."),
	403: errorResponse("The API key lacks the required scope."),
	429: errorResponse("Limit reached. `RateLimit-Policy` names it; `Retry-After` says when to try again."),
};

/** What any route with a body may respond with, besides its own. */
export const bodyErrors = {
	413: errorResponse("The body exceeds 16 MiB."),
	415: errorResponse("The body is not `application/json`."),
};
