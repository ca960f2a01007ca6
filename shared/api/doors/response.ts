/** Responses as OpenAI's API has them. What a request may say is checked where it is translated, by `chatRequest`. */
import { z } from "@hono/zod-openapi";
import { Metadata, modelName } from "../submit-job.ts";
import { Extension, HoldfastFacts } from "./door.ts";

export const CreateResponse = z
	.looseObject({
		model: modelName.nullish().describe("DEFAULT_MODEL by default."),
		input: z.union([z.string(), z.array(z.unknown())]).nullish(),
		stream: z.boolean().nullish(),
		store: z.boolean().nullish().describe("`false`: erased ten minutes after the end."),
		metadata: Metadata.nullish(),
		holdfast: Extension.optional(),
	})
	.openapi("CreateResponse");

export const ResponseBody = z
	.looseObject({
		id: z.string(),
		object: z.literal("response"),
		status: z.enum(["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]),
		output: z.array(z.looseObject({ type: z.string() })),
		output_text: z.string(),
		holdfast: HoldfastFacts,
	})
	.openapi("Response");
