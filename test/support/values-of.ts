/** Values that a JSON Schema describes, made by dice that fast-check can shrink. It knows the words that our schemas use. */
import fc from "fast-check";
import { z } from "zod";
import type { Json } from "../../shared/core/json/json.ts";
import type { JsonSchema } from "./api-description.ts";

export interface Making {
	/** What a `$ref` points at. */
	refer: (ref: string) => JsonSchema;
	/** Members that need not be there are not. */
	isLeast: boolean;
	/** By the name of a member: values that mean something, where a schema says "text". */
	hints: Record<string, fc.Arbitrary<Json>>;
}

const Words = z.object({
	$ref: z.string().optional(),
	type: z.union([z.string(), z.array(z.string())]).optional(),
	enum: z.array(z.json()).optional(),
	anyOf: z.array(z.looseObject({})).optional(),
	allOf: z.array(z.looseObject({})).optional(),
	format: z.string().optional(),
	minLength: z.number().default(0),
	maxLength: z.number().default(200),
	minimum: z.number().optional(),
	maximum: z.number().optional(),
	exclusiveMinimum: z.number().optional(),
	minItems: z.number().default(0),
	maxItems: z.number().default(4),
	items: z.looseObject({}).default({}),
	uniqueItems: z.boolean().default(false),
	properties: z.record(z.string(), z.looseObject({})).default({}),
	required: z.array(z.string()).default([]),
	additionalProperties: z.union([z.boolean(), z.looseObject({})]).optional(),
	maxProperties: z.number().default(3),
	propertyNames: z.looseObject({}).default({}),
});
type Words = z.infer<typeof Words>;

/** @param name of the member that holds the value */
export function valuesOf(schema: JsonSchema, making: Making, name = ""): fc.Arbitrary<Json> {
	const words = Words.parse(schema);
	const hint = making.hints[name];
	if (hint !== undefined && words.type === "string") return hint;
	if (words.$ref !== undefined) return valuesOf(making.refer(words.$ref), making, name);
	if (words.enum !== undefined) return fc.constantFrom(...words.enum);
	if (words.anyOf !== undefined) return fc.oneof(...words.anyOf.map((one) => valuesOf(one, making, name)));
	if (words.allOf !== undefined) return valuesOf(merged(words.allOf, making), making, name);
	const types = typeof words.type === "string" ? [words.type] : (words.type ?? []);
	if (types.length === 0) return fc.jsonValue({ maxDepth: 2 }).map((value) => z.json().parse(value));
	return fc.oneof(...types.map((type) => valuesOfType(type, words, making)));
}

function valuesOfType(type: string, words: Words, making: Making): fc.Arbitrary<Json> {
	switch (type) {
		case "string":
			return words.format === "date-time" ? times() : texts(words);
		case "integer":
			return fc.integer({ min: words.minimum ?? -1000, max: words.maximum ?? 1_000_000 });
		case "number":
			return numbers(words);
		case "boolean":
			return fc.boolean();
		case "null":
			return fc.constant(null);
		case "array":
			return lists(words, making);
		case "object":
			return objects(words, making);
		default:
			throw new Error(`no values are known for the type ${type}`);
	}
}

function texts({ minLength, maxLength }: Words): fc.Arbitrary<string> {
	const within = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, 20)) };
	const ofAnyLetters = fc
		.string({ ...within, unit: "grapheme" })
		.filter((text) => text.length >= minLength && text.length <= maxLength);
	const edges = [minLength, maxLength].filter((length) => length > 0).map((length) => "x".repeat(length));
	return fc.oneof(
		fc.string(within),
		ofAnyLetters,
		fc.constantFrom("text", ...edges).filter((t) => t.length >= minLength),
	);
}

function numbers({ minimum, maximum, exclusiveMinimum }: Words): fc.Arbitrary<number> {
	const least = minimum ?? exclusiveMinimum ?? -1e6;
	const most = maximum ?? 1e12;
	return fc
		.oneof(fc.double({ min: least, max: most, noNaN: true }), fc.constantFrom(least, most, Math.max(least, 1)))
		.filter((value) => exclusiveMinimum === undefined || value > exclusiveMinimum)
		.map((value) => (Object.is(value, -0) ? 0 : value));
}

/** Around the time at which simulated worlds begin. */
function times(): fc.Arbitrary<string> {
	return fc
		.date({ min: new Date("2025-12-01T00:00:00Z"), max: new Date("2026-02-10T00:00:00Z"), noInvalidDate: true })
		.map((time) => time.toISOString());
}

function lists({ items, minItems, maxItems, uniqueItems }: Words, making: Making): fc.Arbitrary<Json[]> {
	const [item, length] = [
		valuesOf(items, making),
		{ minLength: minItems, maxLength: Math.min(maxItems, minItems + 3) },
	];
	if (making.isLeast) return fc.array(item, { ...length, maxLength: minItems });
	return uniqueItems ? fc.uniqueArray(item, length) : fc.array(item, length);
}

function objects(words: Words, making: Making): fc.Arbitrary<Json> {
	const { properties, required, additionalProperties, maxProperties, propertyNames } = words;
	const known = Object.entries(properties).filter(([name]) => !making.isLeast || required.includes(name));
	const members = Object.fromEntries(known.map(([name, schema]) => [name, valuesOf(schema, making, name)]));
	const declared = fc.record(members, { requiredKeys: required.filter((name) => name in members) });
	if (making.isLeast || typeof additionalProperties !== "object") return declared;
	const names = texts(Words.parse({ maxLength: 30, ...propertyNames })).filter((name) => name !== "__proto__");
	const more = fc.dictionary(names, valuesOf(additionalProperties, making), { maxKeys: Math.min(maxProperties, 3) });
	return fc.tuple(more, declared).map(([undeclared, own]) => ({ ...undeclared, ...own }));
}

function merged(parts: JsonSchema[], making: Making): JsonSchema {
	const all = parts.map((part) => Words.parse(typeof part.$ref === "string" ? making.refer(part.$ref) : part));
	return {
		type: "object",
		properties: Object.assign({}, ...all.map(({ properties }) => properties)),
		required: all.flatMap(({ required }) => required),
		additionalProperties: all.at(-1)?.additionalProperties,
	};
}
