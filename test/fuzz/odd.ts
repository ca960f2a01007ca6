/** Values, texts and bytes that break parsers, and ways to break what was whole. */
import fc from "fast-check";
import type { Json } from "../../shared/core/json/json.ts";

export const ODD_TEXTS = [
	"",
	" ",
	"null",
	"undefined",
	"NaN",
	"-1",
	"0x10",
	"1e309",
	"٣",
	"' OR 1=1--",
	"%",
	"_",
	"*",
	"{id}",
	"../../admin",
	"..\\..",
	"\u0000",
	"\r\nx-injected: 1",
	"\u202e\u200d👩‍👩‍👧",
	"İıſK",
	"<script>alert(1)</script>",
	"{{7*7}}",
	"constructor",
	"toString",
	"hasOwnProperty",
	"x".repeat(300),
	"é".repeat(5_000),
	"9007199254740993",
	"2026-02-30T00:00:00Z",
	"+275760-09-13T00:00:00.000Z",
	"9999-12-31T23:59:59.999+14:00",
	"0000-01-01T00:00:00Z",
] as const;

const ODD_VALUES: Json[] = [
	null,
	true,
	false,
	0,
	-0,
	-1,
	1.5,
	2 ** 31,
	2 ** 53,
	-(2 ** 63),
	1e21,
	5e-324,
	1.7976931348623157e308,
	[],
	{},
	[[]],
	[null],
	{ "": 0 },
	{ constructor: { prototype: {} } },
	Array.from({ length: 300 }, () => 0),
	Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`k${at}`, "v"])),
	...ODD_TEXTS,
];

export const oddTexts = fc.oneof(fc.constantFrom(...ODD_TEXTS), fc.string({ unit: "binary", maxLength: 12 }));
const oddValues: fc.Arbitrary<Json> = fc.constantFrom(...ODD_VALUES);

/** One place of `value`, counted through all of it, replaced, removed, given twice or given company. */
export const alter = (whole: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
	fc
		.tuple(whole, fc.nat(40), fc.constantFrom("replace", "replace", "remove", "company"), oddValues, oddTexts)
		.map(([value, at, how, odd, name]) => {
			let left = at % Math.max(1, size(value));
			const walk = (here: Json): Json | undefined => {
				if (left-- === 0) return changed(here);
				if (Array.isArray(here)) return here.map(walk).filter((one) => one !== undefined);
				if (typeof here !== "object" || here === null) return here;
				const members = Object.entries(here).flatMap(([key, one]) => {
					const walked = walk(one);
					return walked === undefined ? [] : [[key, walked]];
				});
				return Object.fromEntries(members);
			};
			const changed = (here: Json): Json | undefined => {
				if (how === "remove") return undefined;
				if (how === "replace" || typeof here !== "object" || here === null) return odd;
				return Array.isArray(here) ? [...here, odd] : { ...here, [name]: odd };
			};
			return walk(value) ?? null;
		});

function size(value: Json): number {
	if (typeof value !== "object" || value === null) return 1;
	return Object.values(value).reduce<number>((sum, one) => sum + size(one), 1);
}

const utf8 = (text: string) => new Uint8Array(new TextEncoder().encode(text));
const joined = (...parts: (string | number[])[]) =>
	Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...utf8(part)] : part)));

/** JSON that is none any more, or that only a lenient reader takes. */
const BREAKAGES: ((text: string, at: number) => Uint8Array<ArrayBuffer>)[] = [
	(text, at) => utf8(text.slice(0, at)),
	(text, at) => utf8(text.slice(at)),
	(text) => joined([0xef, 0xbb, 0xbf], text),
	(text) => Uint8Array.from([...text].flatMap((letter) => [letter.charCodeAt(0) & 255, 0])),
	(text) => utf8(text + text),
	(text) => utf8(text.replace(/\}$/, ",}")),
	(text) => utf8(text.replace(/\}$/, ',"__proto__":{"a":1}}')),
	(text) => utf8(text.replace(/^\{(.+)\}$/s, "{$1,$1}")),
	(text) => utf8(text.replace(/\d+/, "1e999")),
	(text) => utf8(text.replace(/\d+/, "NaN")),
	(text) => utf8(text.replace(/\d+/, "01")),
	(text) => utf8(text.replace(/"[^"]*"/, '"\\ud800"')),
	(text) => utf8(text.replaceAll('"', "'")),
	(text, at) => joined(text.slice(0, at), [0xff, 0xc0, 0x80], text.slice(at)),
	(text, at) => joined(text.slice(0, at), [0], text.slice(at)),
	(text, at) => utf8(`${'{"input":'.repeat(at * 50)}${text}${"}".repeat(at * 50)}`),
	(_, at) => utf8("[".repeat(at * 1000)),
	(text) => utf8(`/* c */${text}`),
	() => new Uint8Array(),
];

export const breakText = (whole: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array<ArrayBuffer>> =>
	fc
		.tuple(whole, fc.nat(60), fc.constantFrom(...BREAKAGES))
		.map(([text, at, broken]) => broken(text, at % (text.length + 1)));
