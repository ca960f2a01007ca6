import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");

/** Words of the glossary have one meaning each. These are others for the same things, and may not come back. */
const RETIRED = [
	...["anew", "whoever", "whomever", "surely", "nobody", "by and by", "under way", "the weather"],
	...["doorbells?", "bells?", "rings?", "rung", "told", "tells?", "telling"],
	...["owe", "owes", "owed", "owing", "happenings?", "news"],
	...["cool ?downs?", "strikes?", "struck", "kept away", "lanes?", "strangers?", "shields?", "tally", "tallies"],
	...["judges?", "judged", "judgements?", "verdicts?", "buried"],
];

const pattern = new RegExp(`\\b(${RETIRED.join("|")})\\b`, "g");

/** The retired words in a line of code or prose, also inside identifiers: `leaseSurely`, `cool_downs`. */
function retiredIn(line: string): string[] {
	const words = line.match(/[A-Z]?[a-z]+|[A-Z]+(?![a-z])/g) ?? [];
	return words.join(" ").toLowerCase().match(pattern) ?? [];
}

const sources = ["workers", "shared", "client", "dashboard", "scripts", "docs", "migrations"].flatMap((folder) =>
	readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
		.filter((name) => /\.(tsx?|css|md|sql)$/.test(name) && !name.startsWith("dist/"))
		.map((name) => `${folder}/${name}`),
);

describe("source, README and docs", () => {
	it("use no retired word", () => {
		const found = [...sources, "README.md", "wrangler.toml"].flatMap((path) =>
			readFileSync(join(root, path), "utf8")
				.split("\n")
				.flatMap((line, index) => retiredIn(line).map((word) => `${path}:${index + 1}: ${word}`)),
		);
		expect(sources.length).toBeGreaterThan(100);
		expect(found).toEqual([]);
	});
});

describe("a retired word is found", () => {
	it.each([
		["// Whoever runs it", ["whoever"]],
		["await leaseSurely(db);", ["surely"]],
		["const SURELY = 1;", ["surely"]],
		["type OwedDelivery = { toldAt: number };", ["owed", "told"]],
		["oweEvents(db)", ["owe"]],
		["SELECT * FROM cool_downs", ["cool downs"]],
		["cooldownOf(key), coolDownOf(key)", ["cooldown", "cool down"]],
		["a cool-down", ["cool down"]],
		["`doorbell.not_rung`", ["doorbell", "rung"]],
		["refuseStranger()", ["stranger"]],
		["is signed anew", ["anew"]],
	])("%s", (line, words) => {
		expect(retiredIn(line)).toEqual(words);
	});

	it("but not a part of another word", () => {
		expect(retiredIn("a string, a toolbelt, lanesplitter, follower, showed, fallowed, retold, newsroom")).toEqual([]);
	});
});
