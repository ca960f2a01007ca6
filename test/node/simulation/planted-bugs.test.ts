import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PLANTED_BUGS } from "../../simulation/planted/bugs.ts";
import { withSeeds } from "../../simulation/planted/record-seeds.ts";

const root = join(import.meta.dirname, "../../..");

describe("a planted bug", () => {
	it.each(PLANTED_BUGS)("applies to the source as it is today: $name", ({ file, find, replace }) => {
		expect(readFileSync(join(root, file), "utf8").split(find)).toHaveLength(2);
		expect(replace).not.toBe(find);
	});

	it("has a name of its own", () => {
		expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length);
	});

	it("is listed with the seed that saw it last", () => {
		const text =
			'\t\tname: "new",\n\t\tfile: "f",\n\t\tname: "old",\n\t\tseenBy: 3,\n\t\tname: "other",\n\t\tseenBy: 4,\n';
		const seeds = new Map(Object.entries({ new: 7, old: 8 }));
		expect(withSeeds(text, seeds)).toBe(
			'\t\tname: "new",\n\t\tseenBy: 7,\n\t\tfile: "f",\n\t\tname: "old",\n\t\tseenBy: 8,\n\t\tname: "other",\n\t\tseenBy: 4,\n',
		);
		expect(withSeeds(text, new Map())).toBe(text);
	});
});
