/** The body of every error response. OpenAI's clients can read it. */
import { z } from "@hono/zod-openapi";

export const ErrorBody = z
	.object({
		error: z.object({
			message: z.string(),
			type: z.string(),
			code: z.string(),
			param: z.string().nullable(),
			request_id: z.string(),
		}),
	})
	.openapi("Error");
