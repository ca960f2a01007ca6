/** JSON columns hold what is only ever read whole. */
import { z } from "zod";

/** Parsed, then checked, so that a row that we could not have written is a loud bug. */
export function column<Schema extends z.ZodType>(schema: Schema) {
	return z
		.string()
		.transform((text) => JSON.parse(text) as unknown)
		.pipe(schema);
}

export function jsonOrNull(value: object | null): string | null {
	return value === null ? null : JSON.stringify(value);
}
