import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { ROOT } from "../service/support/temporary-service.ts";

const KB = 1_024;
const folder = join(ROOT, "dashboard/dist/dashboard");
const gzipped = (path: string) => gzipSync(readFileSync(join(folder, path)), { level: 9 }).byteLength;
const sum = (paths: string[]) => paths.map(gzipped).reduce((total, bytes) => total + bytes, 0);

it("the first page loads at most 60 KB of scripts and styles, and all pages together at most 120", () => {
	const html = readFileSync(join(folder, "index.html"), "utf8");
	const first = [...html.matchAll(/"\/dashboard\/(assets\/[^"]+\.(?:js|css))"/g)].flatMap(([, path]) => path ?? []);
	expect(first.length).toBeGreaterThan(1);
	expect(sum(first)).toBeLessThan(60 * KB);
	expect(sum(readdirSync(join(folder, "assets")).map((name) => `assets/${name}`))).toBeLessThan(120 * KB);
});
