import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { expect, it } from "vitest";
import { developmentKey } from "../../../scripts/lib/development-key.ts";
import { SCOPES } from "../../../shared/core/tenants/api-key.ts";
import { listen } from "../../support/listen.ts";

it("the key of the last start is used again though the connection breaks when it is tried", async () => {
	const stateDir = mkdtempSync(join(tmpdir(), "holdfast-test-"));
	let asked = 0;
	const server = await listen(0, (request, response) => {
		asked += 1;
		if (asked <= 2) request.socket.destroy();
		else
			response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ key: { scopes: SCOPES } }));
	});
	try {
		writeFileSync(join(stateDir, "development-key.json"), JSON.stringify({ tenant: "ten_1", key: "hf_1" }));
		expect(await developmentKey(`http://127.0.0.1:${server.port}`, "admin", stateDir)).toBe("hf_1");
		expect(asked).toBe(3);
	} finally {
		server.close();
		rmSync(stateDir, { recursive: true, force: true });
	}
});

it("a key that lacks a scope is replaced by one with all, of the same tenant", async () => {
	const stateDir = mkdtempSync(join(tmpdir(), "holdfast-test-"));
	const stored = join(stateDir, "development-key.json");
	const made: unknown[] = [];
	const server = await listen(0, async (request, response) => {
		const isCheck = request.url === "/v1/session";
		if (!isCheck) made.push({ url: request.url, ...Object(await json(request)) });
		const body = isCheck ? { key: { scopes: SCOPES.slice(1) } } : { id: "key_2", key: "hf_2" };
		response.writeHead(isCheck ? 200 : 201, { "content-type": "application/json" }).end(JSON.stringify(body));
	});
	try {
		writeFileSync(stored, JSON.stringify({ tenant: "ten_1", key: "hf_1" }));
		expect(await developmentKey(`http://127.0.0.1:${server.port}`, "admin", stateDir)).toBe("hf_2");
		expect(made).toEqual([{ url: "/v1/admin/tenants/ten_1/keys", name: "development", scopes: [...SCOPES] }]);
		expect(JSON.parse(readFileSync(stored, "utf8"))).toEqual({ tenant: "ten_1", key: "hf_2" });
	} finally {
		server.close();
		rmSync(stateDir, { recursive: true, force: true });
	}
});
