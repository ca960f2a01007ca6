/** The state of a local run belongs to the user who started it: prompts, results and hashes of keys. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, it } from "vitest";

it("serves no SQL or objects beside the API", async () => {
	const { url } = inject("service");
	for (const path of ["/cdn-cgi/explorer", "/cdn-cgi/explorer/api/d1/database"])
		expect((await fetch(url + path)).status, path).toBe(404);
});

it("lets no other user of the machine read or write what it keeps", () => {
	const { stateDir } = inject("service");
	const paths = [
		stateDir,
		...readdirSync(stateDir, { recursive: true, encoding: "utf8" }).map((name) => join(stateDir, name)),
	];
	expect(paths.some((path) => path.endsWith(".sqlite"))).toBe(true);
	const open = paths.filter((path) => (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077);
	expect(open).toEqual([]);
});
