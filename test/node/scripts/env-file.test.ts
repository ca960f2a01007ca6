import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unstable_getVarsForDev } from "wrangler";
import { ensureDevVars, formatEnvFile, readEnvFile } from "../../../scripts/lib/env-file.ts";
import { PlainError } from "../../../scripts/lib/terminal.ts";

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "holdfast-test-"));
	path = join(folder, ".dev.vars");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What wrangler makes of the `.dev.vars` beside a configuration. */
function asWranglerReads(): Record<string, unknown> {
	const bindings = unstable_getVarsForDev(join(folder, "wrangler.json"), undefined, {}, undefined, true);
	return Object.fromEntries(
		Object.entries(bindings).map(([name, binding]) => [name, (binding as { value: string }).value]),
	);
}

describe("ensureDevVars", () => {
	it("makes the file for its owner alone, with two secrets that stay the same", () => {
		const made = ensureDevVars(path);
		expect(statSync(path).mode & 0o777).toBe(0o600);
		expect(Buffer.from(made.SIGNING_KEY ?? "", "base64")).toHaveLength(32);
		expect(made.ADMIN_TOKEN).toMatch(/^[\w-]{43}$/);
		expect(ensureDevVars(path)).toEqual(made);
		expect(asWranglerReads()).toEqual(made);
	});

	it("adds what a file lacks and keeps what it has", () => {
		writeFileSync(path, "# mine\nOPENAI_KEY=sk-1\nADMIN_TOKEN=chosen");
		const values = ensureDevVars(path);
		expect(values).toMatchObject({ OPENAI_KEY: "sk-1", ADMIN_TOKEN: "chosen", SIGNING_KEY: expect.any(String) });
		expect(readFileSync(path, "utf8")).toMatch(/^# mine\n/);
		expect(readEnvFile(path)).toEqual(values);
	});
});

describe("formatEnvFile", () => {
	it("writes what wrangler reads back the same, or refuses", () => {
		const value = fc.oneof(
			fc.string({ minLength: 1, unit: "binary" }),
			fc.string({ minLength: 1, unit: fc.constantFrom("'", '"', "`", "\\", "n", "\n", "#", "$", "=", " ", "a", "é") }),
		);
		fc.assert(
			fc.property(value, value, (first, second) => {
				const values = { FIRST: first, SECOND: second };
				try {
					writeFileSync(path, formatEnvFile(values));
				} catch (error) {
					expect(error).toBeInstanceOf(PlainError);
					return;
				}
				expect(asWranglerReads()).toEqual(values);
			}),
			{ numRuns: 500 },
		);
	});

	it.each([
		"sk-pro$PATH",
		"with blanks # and a hash",
		`"double" and 'single'`,
		"-----BEGIN KEY-----\nabc\n-----END KEY-----",
	])("takes %j", (value) => {
		writeFileSync(path, formatEnvFile({ A_KEY: value }));
		expect(asWranglerReads()).toEqual({ A_KEY: value });
	});
});
