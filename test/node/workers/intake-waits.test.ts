import { expect, it } from "vitest";
import { readWait } from "../../../workers/intake/http/wait.ts";
import { Waits } from "../../../workers/intake/http/waits.ts";

const begin = (waits: Waits, tenantId: string, count: number) =>
	Array.from({ length: count }, () => waits.begin(tenantId, 100));

it("a hundred requests of one tenant wait at once, and two hundred of all", () => {
	const waits = new Waits();
	const [end] = begin(waits, "one", 100);
	expect(waits.begin("one", 100)).toBeNull();
	expect(begin(waits, "two", 100)).not.toContain(null);
	expect(waits.begin("three", 100)).toBeNull();
	end?.();
	expect(waits.begin("three", 100)).not.toBeNull();
	expect(waits.begin("one", 100)).toBeNull();
});

it.each<[header: string | undefined, ms: number | null]>([
	[undefined, null],
	["", null],
	["wait", 30_000],
	["Wait=", 30_000],
	['wait=""', 30_000],
	["wait=0", 0],
	['wait="10"', 10_000],
	["wait = 10 ; x=y", 10_000],
	["wait=60", 60_000],
	["wait=61", 60_000],
	["wait=99999999999999999999999", 60_000],
	["respond-async, wait=10", 10_000],
	["wait=10, respond-async; foo=bar", 10_000],
	// Two headers, as they arrive.
	["handling=lenient, wait=5, wait=50", 5_000],
	["wait=soon, wait=5", null],
	["wait=-1", null],
	["wait=10.5", null],
	["wait=1e1", null],
	['wait="5', null],
	["waiting=5, await", null],
	["respond-async; wait=5", null],
	['x="a, wait=5", return=minimal', null],
	['x="a \\" , wait=5", wait=7', 7_000],
])("Prefer: %s waits for %j ms", (header, ms) => {
	expect(readWait(header)).toBe(ms);
});

it.each([
	["unclosed quotes", '"\\'.repeat(200_000)],
	["spaces", `wait=${" ".repeat(200_000)}"x`],
	["a time behind another preference", `x="${"a".repeat(256)}", wait=5`],
])("Prefer: %s in a long header are not read", (_what, header) => {
	expect(readWait(header)).toBeNull();
});
