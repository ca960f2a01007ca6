/**
 * The form that D1's own statement splitter takes, which is not SQLite's: what a local D1 accepts may fail on Cloudflare.
 * Known from workers-sdk #3892 (semicolons in comments), #4713 (apostrophes in comments), #4727 (CASE in triggers), #10998
 * and #15314 (lowercase begin) and #14991 (CRLF).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = join(ROOT, "migrations");

/** What is wrong with the form of a migration; empty: nothing. */
function faultsOf(sql: string): string[] {
	// Strings are matched too, so that a `--` in one is no comment.
	const comments = (sql.match(/'(?:[^']|'')*'|--[^\n]*/g) ?? []).filter((part) => part.startsWith("--"));
	const code = sql.replace(/'(?:[^']|'')*'|--[^\n]*/g, (part) => (part.startsWith("--") ? "" : "''"));
	const triggers = code.split("\n").filter((line) => /\bTRIGGER\b/i.test(line));
	return [
		...(sql.includes("\r") ? ["a carriage return"] : []),
		...(code.includes("/*") ? ["a block comment"] : []),
		...comments.filter((comment) => /[';]/.test(comment)).map((comment) => `in a comment, ' or ;: ${comment}`),
		...triggers
			.filter((line) => !/^(CREATE TRIGGER \w+ .* BEGIN .*; END|DROP TRIGGER \w+);$/.test(line))
			.map((line) => `trigger: ${line}`),
		...triggers.filter((line) => /\bCASE\b/i.test(line)).map((line) => `CASE in a trigger: ${line}`),
		...(/\b(begin|end)\b/.test(code) ? ["a lowercase begin or end"] : []),
		...(/^\s*(BEGIN|END)\b/im.test(code) ? ["a line that begins with BEGIN or END"] : []),
	];
}

it.each(readdirSync(FOLDER))("%s has the form that D1's splitter takes", (name) => {
	expect(faultsOf(readFileSync(join(FOLDER, name), "utf8"))).toEqual([]);
});

it.each([
	["-- it's here\nSELECT 1;\n", "in a comment"],
	["CREATE TABLE t (a TEXT); -- one; two\n", "in a comment"],
	["SELECT 1;\r\n", "a carriage return"],
	["/* note */ SELECT 1;\n", "a block comment"],
	["CREATE TRIGGER t BEFORE UPDATE ON a\nBEGIN\n    SELECT 1;\nEND;\n", "trigger:"],
	["CREATE TRIGGER t BEFORE UPDATE ON a begin SELECT 1; end;\n", "a lowercase begin or end"],
	["CREATE TRIGGER t BEFORE UPDATE ON a BEGIN SELECT CASE a WHEN 1 THEN 2 END; END;\n", "CASE in a trigger"],
])("a migration like %j is caught", (sql, fault) => {
	expect(faultsOf(sql).some((found) => found.startsWith(fault))).toBe(true);
});

it("a trigger on one line, a quote in a string and a plain comment pass", () => {
	const sql =
		"-- Plain words.\nCREATE TRIGGER t BEFORE UPDATE ON a BEGIN SELECT RAISE(ABORT, 'it''s; final -- ever'); END;\n";
	expect(faultsOf(sql)).toEqual([]);
});

it("migrations are checked out with line feeds on every system", () => {
	expect(readFileSync(join(ROOT, ".gitattributes"), "utf8")).toMatch(/^\*\.sql text eol=lf$/m);
});
