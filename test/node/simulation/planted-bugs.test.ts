import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PLANTED_BUGS } from "../../simulation/planted/bugs.ts";

const root = join(import.meta.dirname, "../../..");

describe("a planted bug", () => {
	it.each(PLANTED_BUGS)("applies to the source as it is today: $name", ({ file, find, replace }) => {
		expect(readFileSync(join(root, file), "utf8").split(find)).toHaveLength(2);
		expect(replace).not.toBe(find);
	});

	it("has a name of its own", () => {
		expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length);
	});
});
