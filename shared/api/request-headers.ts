/** Headers that requests may carry, besides their key. */
import { z } from "@hono/zod-openapi";

export const waitHeaders = z.object({
	prefer: z.string().optional().openapi({ example: "wait=30", description: "`wait`: up to 60 seconds." }),
});

export const submitHeaders = waitHeaders.extend({
	"idempotency-key": z
		.string()
		// A repeated header arrives joined by ", ", and fails for its space.
		.regex(/^[\x21-\x7e]{1,255}$/, { error: "Must be 1 to 255 visible ASCII characters, without space." })
		.optional()
		.describe("The same key with the same bytes is the same job, for 24 hours."),
	"x-stainless-retry-count": z
		.string()
		.optional()
		.describe(
			"Sent by OpenAI's SDKs. Without an Idempotency-Key, 1 or more with bytes that this API key sent within the last two minutes is the job of that request; 0 is a new one.",
		),
});
