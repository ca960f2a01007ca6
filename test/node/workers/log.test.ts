import { afterEach, describe, expect, it, vi } from "vitest";
import { LOG_LEVELS } from "../../../shared/core/config.ts";
import { log, logDebug, logError, logWarning, setLogLevel } from "../../../workers/log.ts";

/** How often the fields of a line were read. */
let reads = 0;
const fields = {
	get jobId() {
		return `job_${++reads}`;
	},
};

/** One line of each level, and what of them the console gets. */
function written(): string[] {
	const lines: string[] = [];
	for (const method of ["log", "warn", "error"] as const)
		vi.spyOn(console, method).mockImplementation((line) => void lines.push(`${method} ${line}`));
	reads = 0;
	logDebug("a.debugged", fields);
	log("an.informed", fields);
	logWarning("a.warned", fields);
	logError("an.erred", fields);
	return lines;
}

afterEach(() => {
	vi.restoreAllMocks();
	setLogLevel("info");
});

describe("a log level", () => {
	it("is info until one is set, as where the configuration is invalid", () => {
		expect(written().map((line) => JSON.parse(line.replace(/^\w+ /, "")).event)).toEqual([
			"an.informed",
			"a.warned",
			"an.erred",
		]);
	});

	it.each([
		["debug", ["log", "log", "warn", "error"]],
		["info", ["log", "warn", "error"]],
		["warn", ["warn", "error"]],
		["error", ["error"]],
	] as const)("of %s writes that and what is graver, and reads nothing of what it leaves out", (level, methods) => {
		setLogLevel(level);
		expect(written().map((line) => line.split(" ")[0])).toEqual(methods);
		expect(reads).toBe(methods.length);
		expect(LOG_LEVELS).toContain(level);
	});
});

describe("a line", () => {
	it("has the event first, leaves out what is undefined, and never quotes what a parser could not read", () => {
		const lines: unknown[] = [];
		vi.spyOn(console, "error").mockImplementation((line) => void lines.push(line));
		const cause = new SyntaxError('Unexpected token in "a prompt"');
		logError("job.parse_failed", { jobs: 1, reason: undefined }, new Error("no row", { cause }));
		expect(lines).toEqual(['{"event":"job.parse_failed","jobs":1,"error":"Error: no row (SyntaxError)"}']);
	});
});
