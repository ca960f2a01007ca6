import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownState } from "../../../scripts/lib/own-state.ts";

const me = { pid: process.pid, launcher: null, port: 1, group: null };

let stateDir: string;
beforeEach(() => {
	stateDir = mkdtempSync(join(tmpdir(), "holdfast-test-"));
});
afterEach(() => rmSync(stateDir, { recursive: true }));

const record = (): unknown => JSON.parse(readFileSync(join(stateDir, "service.json"), "utf8"));

describe("ownState", () => {
	it("records who owns the directory and which wrangler is theirs, until it is released", async () => {
		const ownership = await ownState(stateDir, me);
		expect(record()).toEqual(me);
		ownership.recordGroup(42);
		expect(record()).toEqual({ ...me, group: 42 });
		ownership.release();
		expect(readdirSync(stateDir)).toEqual([]);
	});

	it.each([
		["an owner that is gone", JSON.stringify({ pid: 2 ** 30, launcher: null, port: 1, group: 2 ** 30 })],
		["a process that is no service, its number used again", JSON.stringify({ ...me, pid: process.pid })],
		["half a record", '{"pid":'],
	])("takes over from %s", async (_, left) => {
		writeFileSync(join(stateDir, "service.json"), left);
		await ownState(stateDir, me);
		expect(record()).toEqual(me);
	});
});
