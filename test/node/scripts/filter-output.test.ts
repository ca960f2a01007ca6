import { describe, expect, it } from "vitest";
import { outputFilter, reportsCrash } from "../../../scripts/lib/filter-output.ts";
import { escapeControls, printable } from "../../../scripts/lib/terminal.ts";

const ESC = "\u001b";

/** What reaches the terminal of these lines of wrangler's. */
function shown(lines: string[], hidden: string[] = []): string[] {
	const filter = outputFilter("/home/me/holdfast", hidden);
	return lines.map(filter).filter((line) => line !== null);
}

describe("outputFilter", () => {
	it("leaves out what wrangler says on every start and for every request", () => {
		const start = [
			"Using secrets defined in .wrangler/.dev.vars",
			"Your Worker has access to the following bindings:",
			"Binding                       Resource                  Mode",
			"env.DB (holdfast)             D1 Database               local",
			"env.AI                        AI                        not supported",
			'env.ADMIN_TOKEN ("(hidden)")  Environment Variable      local',
			"",
			"⎔ Starting local server...",
			"[wrangler:info] Ready on http://127.0.0.1:8787",
			"[wrangler:info] GET /healthz 200 OK (5ms)",
		];
		expect(shown(start)).toEqual([]);
	});

	it("leaves out the two warnings about what is meant to be so, to their last line", () => {
		const warnings = [
			`${ESC}[33m▲ ${ESC}[43;33m[${ESC}[43;30mWARNING${ESC}[43;33m]${ESC}[0m ${ESC}[1mAI bindings always access remote resources${ESC}[0m`,
			"",
			"▲ [WARNING] Scheduled Workers are not automatically triggered during local development.",
			"",
			"  To manually trigger a scheduled event, run:",
			'    curl "http://127.0.0.1:8787/cdn-cgi/local/scheduled"',
			"",
			"sweep.finished { jobsEnqueued: 1 }",
		];
		expect(shown(warnings)).toEqual(["sweep.finished { jobsEnqueued: 1 }"]);
	});

	it("keeps other warnings and errors, in plain characters and without wrangler's own frames", () => {
		const lines = [
			`${ESC}[31m✘ ${ESC}[41;31m[${ESC}[41;97mERROR${ESC}[41;31m]${ESC}[0m ${ESC}[1mNo loader is configured${ESC}[0m`,
			"[wrangler:error] Error: boom",
			"    at Object.fetch (file:///home/me/holdfast/workers/index.ts:12:28)",
			"    at jsonError (file:///home/me/holdfast/node_modules/wrangler/templates/middleware/json-error.ts:22:30)",
			"▲ [WARNING] Something else",
			"  that goes on",
		];
		expect(shown(lines)).toEqual([
			"error: No loader is configured",
			"error: Error: boom",
			"    at Object.fetch (workers/index.ts:12:28)",
			"warning: Something else",
			"  that goes on",
		]);
	});

	it("says that a change of the source loads the service again", () => {
		expect(shown(["⎔ Reloading local server..."])).toEqual(["The source changed: reloading the service."]);
	});

	it("shows the Worker's log as the event and its fields", () => {
		const lines = [
			'{"event":"attempt.settled","jobId":"job_1","attempt":1,"reason":null}',
			'✘ [ERROR] {"event":"attempt.crashed","error":"Error: no such table"}',
			'{"event":"cut off}',
			"a line in words",
		];
		expect(shown(lines)).toEqual([
			"attempt.settled jobId=job_1 attempt=1 reason=null",
			'error: attempt.crashed error="Error: no such table"',
			'{"event":"cut off}',
			"a line in words",
		]);
	});

	it("hides a secret wherever it stands", () => {
		expect(shown(["refused sk-12345678 by the provider"], ["sk-12345678", "by"])).toEqual([
			"refused (hidden) by the provider",
		]);
	});
});

describe("text of others on the terminal", () => {
	it("has its control characters escaped, also those that a log field decodes to", () => {
		const model = "simulated/\u001b]0;pwned\u0007\u001b[2J\u009b1A";
		const escapes = "simulated/\\u001b]0;pwned\\u0007\\u001b[2J\\u009b1A";
		const line = JSON.stringify({ event: "attempt.settled", model }).replace("\u009b", "\\u009b");
		expect(shown([line])).toEqual([`attempt.settled model=${escapes}`]);
		expect(printable(model)).toBe(escapes);
		expect(escapeControls("a\nb\u202e")).toBe("a\\u000ab\\u202e");
	});

	it("stands between lines, tabs and styles of our own", () => {
		const styled = `${ESC}[1mbold${ESC}[22m\t${ESC}[31mred${ESC}[39m\n`;
		expect(printable(`${styled}${ESC}[8mhidden`)).toBe(`${styled}\\u001b[8mhidden`);
	});
});

describe("reportsCrash", () => {
	it("knows the line by which wrangler tells that the runtime died", () => {
		const line = "[wrangler:warn] The Workers runtime crashed unexpectedly and is being restarted (crash #1).";
		expect(reportsCrash(line)).toBe(true);
		expect(reportsCrash("[wrangler:warn] Something else")).toBe(false);
	});
});
