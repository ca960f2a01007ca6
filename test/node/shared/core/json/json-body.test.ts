import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../../../shared/core/json/json.ts";
import { elementsOf, JsonBody } from "../../../../../shared/core/json/json-body.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | null) =>
	new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes ?? new Uint8Array());

it.each([["[]"], ["[1]"], ["[ true,null ]"], ['[{"a":[1]},"]",[[]],-1e3]']])("finds the elements of %s", (list) => {
	expect(elementsOf(bytesOf(list)).map((each) => JSON.parse(textOf(each)))).toEqual(JSON.parse(list));
});

/** Names that the code knows, and any other. `__proto__` is refused at submission. */
const name = fc.oneof(
	fc.constantFrom("model", "stream", "stream_options", "messages", "n", ""),
	fc.string({ unit: "grapheme" }).filter((text) => text !== "__proto__"),
);
const json = fc.letrec<{ value: Json }>((tie) => ({
	value: fc.oneof(
		{ maxDepth: 4 },
		fc.constantFrom(null, true, false, 'a "quoted" \\ one', "\\", '\\"', "}{][,:", "🔑 ключ", "\u2028\u0007"),
		// A negative zero is written as it is, and serialized as 0.
		fc.double({ noDefaultInfinity: true, noNaN: true }).map((number) => number + 0),
		fc.string({ unit: "grapheme" }),
		fc.array(tie("value"), { maxLength: 4 }),
		fc.array(fc.tuple(name, tie("value")), { maxLength: 4 }).map((pairs) => Object.fromEntries(pairs)),
	),
})).value;
const space = fc.constantFrom("", " ", "\n\t", "\r\n  ");
/** JSON text of an object as any client may write it: spaces, escapes in keys and strings, repeated names. */
const text = fc.array(fc.tuple(name, json, space, fc.boolean()), { maxLength: 8 }).map((members) => {
	const escaped = (part: string) =>
		part.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
	const written = members.map(([key, value, gap, isEscaped]) => {
		const member = `${gap}${JSON.stringify(key)}${gap}:${gap}${JSON.stringify(value, null, gap.length)}${gap}`;
		return isEscaped ? escaped(member) : member;
	});
	return `{${written.join(",")}}`;
});
const changes = fc.dictionary(
	fc.constantFrom("model", "stream", "stream_options", "other"),
	fc.option(json, { nil: undefined }),
);

/** As objects are spread. */
function changed(original: string, more: object): object {
	const all: Record<string, unknown> = { ...JSON.parse(original), ...more };
	return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

describe("a body whose members are replaced in its bytes", () => {
	it("parses to what the parsed object would have become", () => {
		fc.assert(
			fc.property(text, changes, changes, (original, first, second) => {
				const body = new JsonBody(bytesOf(original)).with(first).with(second);
				const expected = changed(original, { ...first, ...second });
				expect(JSON.parse(textOf(body.toBytes()))).toEqual(expected);
				expect(body.toObject()).toEqual(expected);
				for (const key of ["model", "stream", "n", "messages"])
					expect(body.get(key)).toEqual(Reflect.get(expected, key));
			}),
			{ numRuns: 2_000 },
		);
	});

	it("keeps every byte of the others", () => {
		const body = new JsonBody(bytesOf('{"a": 1.0 ,"model":{"model":1}, "b":[1e2,"\\u00e9}"] }'));
		expect(textOf(body.with({ model: "m", stream: true }).toBytes())).toBe(
			'{"model":"m","stream":true,"a": 1.0,"b":[1e2,"\\u00e9}"]}',
		);
		expect(textOf(body.bytesOf("b"))).toBe('[1e2,"\\u00e9}"]');
		expect([body.bytesOf("c"), textOf(new JsonBody(bytesOf(" {} ")).toBytes())]).toEqual([null, "{}"]);
	});

	it.each(["", "[]", "null", '{"a"', '{"a":1', '{"a":"', '{"a":[}', "{a:1}", '{"a":1 "b":2}', '{"a":1,}'])(
		"is no object: %j",
		(wrong) => {
			expect(() => new JsonBody(bytesOf(wrong))).toThrow(SyntaxError);
		},
	);
});
