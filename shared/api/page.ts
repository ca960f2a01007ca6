/** Pages of lists: query parameters and bodies. */
import { z } from "@hono/zod-openapi";
import { isId } from "../core/ids.ts";

export function listOf<Item extends z.ZodType>(item: Item) {
	return z.object({
		object: z.literal("list"),
		data: z.array(item),
		has_more: z.boolean(),
		first_id: z.string().nullable(),
		last_id: z.string().nullable(),
	});
}

/** One page of `found`, which has one more than `limit` if there is a next page. */
export function pageOf<Item extends { id: string }>(found: Item[], limit: number) {
	const data = found.slice(0, limit);
	return {
		object: "list" as const,
		data,
		has_more: found.length > limit,
		first_id: data[0]?.id ?? null,
		last_id: data.at(-1)?.id ?? null,
	};
}

export const limit = z
	.string()
	.regex(/^([1-9]\d?|100)$/, { error: "Must be a whole number from 1 to 100." })
	.default("20")
	.transform(Number)
	.openapi({ type: "integer", minimum: 1, maximum: 100, default: 20 });

export const order = z.enum(["asc", "desc"]).default("desc");

/** @param error the message for any other text */
export function after(isCursor: (id: string) => boolean, error: string) {
	return z
		.string()
		.refine(isCursor, { error })
		.optional()
		.describe("Where the previous page ended: its `next_after` if the list has one, or else its last id.");
}

const CURSOR_PREFIXES = {
	job: "a job",
	we: "a webhook endpoint",
	key: "an API key",
	ten: "a tenant",
};

/** For lists whose ids `newId` makes. */
export function afterId(prefix: keyof typeof CURSOR_PREFIXES) {
	return after((id) => isId(prefix, id), `Must be the id of ${CURSOR_PREFIXES[prefix]}, \`${prefix}_…\`.`);
}

/** A query parameter: some of `words`, with commas between them. */
export function wordsOf<const Word extends string>(words: readonly Word[]) {
	const known = z.array(z.enum(words)).refine((list) => new Set(list).size === list.length);
	return z
		.string()
		.transform((list, context) => {
			const { data } = known.safeParse(list.split(","));
			if (data !== undefined) return data;
			context.addIssue({ code: "custom", message: `May name ${words.join(", ")}, each once.` });
			return z.NEVER;
		})
		.openapi({ type: "string", description: `A comma-separated list of ${words.join(", ")}.` });
}
