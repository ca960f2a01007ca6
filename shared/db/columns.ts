/** JSON columns hold what is only ever read whole. */
import { z } from "zod";

/** Parsed and validated: a value that our code cannot have written throws. */
export function column<Schema extends z.ZodType>(schema: Schema) {
	return z
		.string()
		.transform((text) => JSON.parse(text) as unknown)
		.pipe(schema);
}

export function jsonOrNull(value: object | null): string | null {
	return value === null ? null : JSON.stringify(value);
}
