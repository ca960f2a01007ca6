import { existsSync, readFileSync } from "node:fs";
import { expect, inject, it, vi } from "vitest";
import { callForSuccess } from "../../scripts/lib/call-api.ts";
import type { Verification } from "./support/start-verification.ts";

/** Its own waits are 150 seconds, and it shares the machine with all other tests. */
const WITHIN_MS = 400_000;

const ROWS =
	"1 ok,1 ok,2 ok,3 ok,4 ok,5 ok,6 ok,7 ok,8 ok,9 ok,10 ok,11 ok,12 ok,13 ok,13 ok,14 ok,15 ok,16 ok," +
	"17 only on Cloudflare,17 ok,18 ok,19 ok,20 ok,21 skipped,22 only on Cloudflare";

it(
	"npm run verify passes against npm start, removes what it made, and shows no secret",
	async () => {
		const file = inject("verification");
		await vi.waitUntil(() => existsSync(file), { timeout: WITHIN_MS, interval: 500 });
		const { code, output, url, adminToken: token }: Verification = JSON.parse(readFileSync(file, "utf8"));
		const rows = output.match(/^[ \d]\d {2}.*$/gm) ?? [];
		const statuses = rows.map((row) =>
			row.replace(/^ *(\d+ ) .*? {2,}(ok|failed|skipped|only on Cloudflare) {2}.*/, "$1$2"),
		);
		expect(statuses.join(","), output).toBe(ROWS);
		expect(output).toContain("22 ok, 2 only on Cloudflare, 1 skipped");
		expect(code).toBe(0);
		const { data } = await callForSuccess<{ data: { name: string }[] }>(`${url}/v1/admin/tenants`, { token });
		expect(data.map(({ name }) => name)).toEqual(["development"]);
		expect(output).not.toContain(token);
		expect(output).not.toMatch(/hf_|whsec_|signature=|xxxx/);
	},
	WITHIN_MS,
);
